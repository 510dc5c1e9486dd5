"""What an installation trusts: lists by setting and option, numbers that never go back, lists out of date."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keys_dev.development_list import load_operator, write_trust_list
from service.list_numbers import FILE_NAME, ListNumbers
from service.settings import Settings, load_settings
from service.trust_material import Moments, TrustListFile, load_trust, parse_trust_list_file, read_authority
from service.workspace import open_workspace
from tests.support.authority import ISSUED_AT, build_authority, sign_authority
from tests.support.command import run_command
from tests.support.pki import development_pki
from tests.support.trust_lists import NEXT_UPDATE, READ_AT, sample_list, service, sign
from tests.vectors.school import MovableClock, signed
from transcript_core.clock import FixedClock
from transcript_core.errors import (
    AuthorityListInvalid,
    AuthorityListOutOfDate,
    InputError,
    StateError,
    TrustListInvalid,
    TrustListOutOfDate,
    TrustMaterialError,
)
from transcript_core.pki.trust import World

NOW = datetime(2026, 5, 30, tzinfo=UTC)


@pytest.fixture
def operator_file(tmp_path: Path) -> Path:
    path = tmp_path / "operator.pem"
    path.write_bytes(load_operator(development_pki())[1].pem)
    return path


def put(folder: Path, number: int = 7, *, name: str = "list.xml", world: World = World.NATIONAL) -> Path:
    path = folder / name
    path.write_bytes(sign(sample_list(number=number, world=world)))
    return path


# Numbers


def test_numbers_go_up_only(tmp_path: Path) -> None:
    numbers = ListNumbers(tmp_path / "new")
    assert numbers.get_highest("a") == 0
    assert [numbers.admit("a", number) for number in (3, 3, 5, 4)] == [3, 3, 5, 5]
    assert numbers.admit("b", 1) == 1
    assert json.loads((tmp_path / "new" / FILE_NAME).read_bytes()) == {"a": 5, "b": 1}
    assert ListNumbers(tmp_path / "new").get_highest("a") == 5


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"a": "5"}', b'{"a": true}'])
def test_a_damaged_memory_is_never_taken_for_an_empty_one(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(StateError, match="restore it from a backup"):
        ListNumbers(tmp_path).admit("a", 9)
    assert (tmp_path / FILE_NAME).read_bytes() == content


def _admit(folder: Path, start: int) -> None:
    for number in range(start, 60, 3):
        ListNumbers(folder).admit("a", number)
        ListNumbers(folder).admit(f"own {start}", number)


def test_all_who_share_the_memory_lose_nothing(tmp_path: Path) -> None:
    """Each opens the lock file anew, as another process would."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda start: _admit(tmp_path, start), (1, 2, 3)))
    known = json.loads((tmp_path / FILE_NAME).read_bytes())
    assert known == {"a": 59, "own 1": 58, "own 2": 59, "own 3": 57}


# Trust lists


def test_entries_of_the_setting() -> None:
    assert parse_trust_list_file("public-duty=/a/l.xml|signer=/a/o.pem|signer=/a/p.pem") == TrustListFile(
        Path("/a/l.xml"), (Path("/a/o.pem"), Path("/a/p.pem")), World.PUBLIC_DUTY
    )
    assert parse_trust_list_file("/a/l.xml|signer=/a/o.pem").world is None
    for wrong in ("/a/l.xml", "/a/l.xml|/a/o.pem", "|signer=/a/o.pem", "/a/l.xml|signer=", "national=|signer=/a"):
        with pytest.raises(InputError, match="a trust list is written"):
            parse_trust_list_file(wrong)


def test_setting_is_checked_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOCBA_TRUST_LISTS", "national=/a.xml|signer=/o.pem /b.xml|signer=/o.pem")
    assert [one.world for one in load_settings().trust_list_files] == [World.NATIONAL, None]
    monkeypatch.setenv("HOCBA_TRUST_LISTS", "/a.xml")
    with pytest.raises(InputError, match=r"HOCBA_TRUST_LISTS: .*a trust list is written"):
        load_settings()


def test_an_older_list_does_not_come_back(tmp_path: Path, operator_file: Path) -> None:
    numbers = ListNumbers(tmp_path)
    file = TrustListFile(put(tmp_path, 7), (operator_file,))
    load_trust(None, [file], Moments(READ_AT), numbers)
    put(tmp_path, 8)
    load_trust(None, [file], Moments(READ_AT), numbers)
    put(tmp_path, 7)
    with pytest.raises(TrustListInvalid, match="list 7, replaced by list 8"):
        load_trust(None, [file], Moments(READ_AT), numbers)
    assert load_trust(None, [file], Moments(READ_AT), None) is not None  # the caller's own choice
    other = TrustListFile(put(tmp_path, 1, name="other.xml", world=World.PUBLIC_DUTY), (operator_file,))
    load_trust(None, [other], Moments(READ_AT), numbers)  # another world counts for itself


def test_world_is_said_by_the_list_or_by_its_reader_and_never_by_both_differently(
    tmp_path: Path, operator_file: Path
) -> None:
    path = put(tmp_path)
    for world in (None, World.NATIONAL):
        store = load_trust(None, [TrustListFile(path, (operator_file,), world)], Moments(READ_AT), None)
        assert store is not None
        assert {anchor.world for anchor in store.anchors} == {World.NATIONAL}
    with pytest.raises(TrustListInvalid, match="of which world"):
        load_trust(None, [TrustListFile(path, (operator_file,), World.PUBLIC_DUTY)], Moments(READ_AT), None)
    path.write_bytes(sign(replace(sample_list(), rules=("urn:other",))))
    with pytest.raises(TrustListInvalid, match="of which world"):
        load_trust(None, [TrustListFile(path, (operator_file,))], Moments(READ_AT), None)


def test_a_list_out_of_date_is_good_for_the_past_that_was_asked_about(tmp_path: Path, operator_file: Path) -> None:
    file, late = TrustListFile(put(tmp_path), (operator_file,)), NEXT_UPDATE + timedelta(days=900)
    with pytest.raises(TrustListOutOfDate):
        load_trust(None, [file], Moments(late), None)
    assert load_trust(None, [file], Moments(late, READ_AT), None) is not None
    with pytest.raises(TrustListOutOfDate):
        load_trust(None, [file], Moments(late, late - timedelta(days=1)), None)


@pytest.mark.parametrize("what", ["list", "signer", "empty list", "signer that is none"])
def test_files_that_cannot_be_used(tmp_path: Path, operator_file: Path, what: str) -> None:
    path, signer = put(tmp_path), operator_file
    if what in {"list", "signer"}:
        (path if what == "list" else signer).unlink()
    elif what == "empty list":
        path.write_bytes(b"")
    else:
        signer.write_bytes(b"no certificate")
    with pytest.raises(TrustMaterialError):
        load_trust(None, [TrustListFile(path, (signer,))], Moments(READ_AT), None)


# An installation


def test_installation_reads_its_lists_anew_when_they_change_or_end(tmp_path: Path, operator_file: Path) -> None:
    path = put(tmp_path)
    settings = Settings(home=tmp_path / "home", trust_lists=(f"{path}|signer={operator_file}",))
    clock = MovableClock(READ_AT)
    workspace = open_workspace(settings, clock)
    first = workspace.trust
    assert first is not None
    assert workspace.trust is first
    path.write_bytes(sign(sample_list([service("national-ca")], number=8)))
    second = workspace.trust
    assert second is not None
    assert len(second.anchors) == 1
    clock.at = NEXT_UPDATE
    with pytest.raises(TrustListOutOfDate):
        _ = workspace.trust
    clock.at = READ_AT
    put(tmp_path, 7)
    with pytest.raises(TrustListInvalid, match="replaced by list 8"):
        _ = workspace.trust


def test_an_older_authority_list_does_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "authority.jws"
    settings = Settings(home=tmp_path / "home", anchors_dir=development_pki().anchors_dir, authority_file=path)
    for number in (4, 5):
        path.write_bytes(sign_authority(replace(build_authority(), number=number)))
        workspace = open_workspace(settings, FixedClock(NOW))
        assert workspace.get_authority().number == number
    path.write_bytes(sign_authority(replace(build_authority(), number=4)))
    with pytest.raises(AuthorityListInvalid, match="list 4, replaced by list 5"):
        workspace.get_authority()
    assert read_authority(path, workspace.trust, FixedClock(NOW)).number == 4  # nothing remembered, nothing refused


def test_an_authority_list_out_of_date_leaves_authority_unchecked(tmp_path: Path) -> None:
    path = tmp_path / "authority.jws"
    path.write_bytes(sign_authority(build_authority()))
    settings = Settings(home=tmp_path / "home", anchors_dir=development_pki().anchors_dir, authority_file=path)
    clock = MovableClock(NOW)
    workspace = open_workspace(settings, clock)
    assert workspace.get_authority().number == 1
    clock.at = build_authority().valid_to + timedelta(seconds=1)
    assert workspace.authority is None
    with pytest.raises(AuthorityListOutOfDate):
        workspace.get_authority()
    assert read_authority(path, workspace.trust, clock, asked=ISSUED_AT).number == 1


# The command


def _world(world: World, folder: Path) -> Path:
    path = write_trust_list(development_pki(), world, issued_at=datetime.now(UTC) - timedelta(hours=1))
    return path.rename(folder / f"{world.value}.xml")


def test_command_takes_lists_and_their_operators(tmp_path: Path, operator_file: Path) -> None:
    document = tmp_path / "transcript.xml"
    document.write_bytes(signed())
    lists = [_world(world, tmp_path) for world in World]
    options = [part for path in lists for part in ("--trust-list", str(path))]
    at = ("--at", "2026-06-20T00:00:00Z", "--json")
    signer = ("--trust-list-signer", str(operator_file))
    report = json.loads(run_command("inspect", document, *options, *signer, *at, environment={}).out)
    assert {one["world"] for one in report["signatures"]} == {"national", "public-duty"}
    assert report["outcome"] == "TOTAL-PASSED"
    for wrong in (options, [*options[:2], *signer, *signer], signer):
        result = run_command("inspect", document, *wrong, *at, environment={})
        assert result.code == 2
        assert "--trust-list-signer" in result.err
    other = ("--trust-list-signer", str(development_pki().anchors_dir / "national" / "national-root.pem"))
    result = run_command("inspect", document, *options, *other, *at, environment={})
    assert result.code == 2
    assert "configured certificate of its operator" in result.err
