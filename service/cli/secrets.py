"""Where the command gets PINs and passwords: from a file that the person names, the environment or the terminal.

The environment has one variable for each kind of secret, so that none is ever sent where another belongs: a wrong PIN
can lock a token.  Nothing is kept, shown or logged.

A question may come in the middle of a batch, from one of its threads: the progress bar leaves the screen meanwhile.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.cli.output import paused_progress
from signing.keystores.secrets import EnvironmentSecret, FileSecret, TerminalSecret

_VARIABLES: Final = (
    ("pin", "HOCBA_PIN"),
    ("mật khẩu", "HOCBA_KEY_PASSWORD"),
    ("khoá bí mật", "HOCBA_CLIENT_SECRET"),
    ("mã truy cập", "HOCBA_ACCESS_TOKEN"),
)
"""How a question begins → the variable that answers it.  One-time codes and approvals are for the terminal alone."""

_FILE_ANSWERS: Final = ("pin", "mật khẩu")


@dataclass(frozen=True, slots=True)
class CommandSecrets:
    """The `SecretSource` of the command's verbs."""

    file: Path | None  # of --password-file or --pin-file

    def ask(self, purpose: str) -> str:
        """Return the secret.

        Raises:
            KeyUnavailable: the file cannot be used, or there is no terminal to ask at.
        """
        question = purpose.casefold()
        if self.file is not None and question.startswith(_FILE_ANSWERS):
            return FileSecret(self.file).ask(purpose)
        for beginning, variable in _VARIABLES:
            if question.startswith(beginning) and variable in os.environ:
                return EnvironmentSecret(variable).ask(purpose)
        with paused_progress():
            return TerminalSecret().ask(purpose)
