"""`hocba keys-dev remote`: a remote signing service over the folder's keys, in a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from keys_dev.pki import DevelopmentPki
from signing.keystores.secrets import CallbackSecret
from signing.keystores.uri import open_key
from transcript_core.pki.algorithms import verify_digest
from transcript_core.pki.trust import World

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import signal, typer
from keys_dev.cli import register
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is started without it
app = typer.Typer()
register(app)
app()
"""


def test_the_printed_name_of_a_key_signs(tmp_path: Path) -> None:
    pki = DevelopmentPki.load_or_create(tmp_path)
    p12 = pki.issue_seal("Trường THCS Hoa Sen", "0101234567", world=World.PUBLIC_DUTY, algorithm="p-256")
    command = [sys.executable, "-u", "-c", CODE, "keys-dev", "remote", "--folder", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            name, uri = process.stdout.readline().rsplit(maxsplit=1)
            assert name == "Trường THCS Hoa Sen"
            assert process.stdout.readline().startswith("signing at http://127.0.0.1:")
            with closing(open_key(uri, CallbackSecret(lambda _: None))) as signer:
                assert signer.certificate == pki.read_certificate(p12)
                (value,) = signer.sign_digests([bytes(32)])
                assert verify_digest(signer.certificate, signer.algorithm, bytes(32), value)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
