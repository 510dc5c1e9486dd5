"""The signing agent's protocol against the real server: three steps, their limits, and what strangers get."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings
from service.signing.agent_client import AgentClient, ServiceRefused, ServiceUnreachable
from service.signing.agent_router import MAX_PREPARE_BYTES, open_fetch
from service.signing.desk import open_services
from service.signing.jsonlines import SigningListInvalid
from service.signing.key_side import sign_list
from service.signing.lists import check_list, parse_digest, parse_head
from service.signing.preparing import BATCH_LIFETIME, build_identity, build_list_review, open_absent_desk
from service.signing.review_text import describe
from service.signing.values import value_to_dict
from signing.signer import Signer, SigningIdentity
from tests.support.deferred import later
from tests.support.http import AS_CLERK, SQLITE_ONLY, TOKEN, TOKEN_SHA256, read_problem
from tests.support.server import open_client, serving
from tests.support.workflow import SmallSchool, built_school, open_other_seal, open_other_teacher
from transcript_core.errors import InputError
from transcript_core.limits import MAX_BATCH_PAGE

BATCHES = "/api/v1/signing-batches"
SCHOOL = "48000501"


@pytest.fixture
def school(tmp_path: Path, database_url: str) -> Iterator[SmallSchool]:
    with built_school(tmp_path / "school", database_url=database_url) as built:
        yield let_clerks_in(built)


@pytest.fixture
def client(school: SmallSchool) -> Iterator[httpx.Client]:
    with open_client(open_app(school)) as client:
        yield client


def let_clerks_in(school: SmallSchool, **settings: str | None) -> SmallSchool:
    changed = school.workspace.settings.model_copy(update={"clerk_token_sha256": TOKEN_SHA256, **settings})
    assert isinstance(changed, Settings)
    return replace(school, workspace=replace(school.workspace, settings=changed))


def open_app(school: SmallSchool) -> FastAPI:
    app = create_app(school.workspace)
    app.dependency_overrides[open_fetch] = lambda: school.fetch
    return app


@contextmanager
def open_agent(school: SmallSchool, token: str = TOKEN) -> Iterator[AgentClient]:
    with serving(open_app(school)) as port, AgentClient(f"http://127.0.0.1:{port}", token) as agent:
        yield agent


def ask_for(signer: Signer, **other: object) -> dict[str, Any]:
    certificates = [b64encode(one.der).decode() for one in (signer.certificate, *signer.chain)]
    return {"certificates": certificates, "school_code": SCHOOL, **other}


def post_values(client: httpx.Client, batch: str, values: Sequence[Mapping[str, Any]]) -> httpx.Response:
    return client.post(f"{BATCHES}/{batch}/values", json={"values": values})


def prepare(client: httpx.Client, signer: Signer) -> dict[str, Any]:
    made = client.post(BATCHES, headers=AS_CLERK, json=ask_for(signer))
    assert made.status_code == 201, made.text
    body = made.json()
    assert isinstance(body, dict)
    return body


def sign(client: httpx.Client, made: Mapping[str, Any], signer: Signer) -> list[dict[str, Any]]:
    page = client.get(f"{BATCHES}/{made['batch']}/digests", headers=AS_CLERK).json()
    signing_list = check_list(parse_head(made), [parse_digest(one) for one in page["digests"]])
    return [value_to_dict(value) for chunk in sign_list(signing_list, signer) for value in chunk.values]


def test_three_steps_sign_what_is_open(school: SmallSchool, client: httpx.Client) -> None:
    signer = school.open_person(school.teachers[0])
    asked = client.post(BATCHES, headers=AS_CLERK, json=ask_for(signer))
    made = asked.json()
    assert (asked.status_code, made["documents"], made["digests"], made["refused"]) == (201, 2, 4, [])
    assert asked.headers["Location"] == f"{BATCHES}/{made['batch']}"
    shown = client.get(asked.headers["Location"], headers=AS_CLERK).json()
    assert (shown["code"], shown["list_sha256"], shown["open"]) == (made["code"], made["list_sha256"], 4)
    values = sign(client, made, signer)
    first = post_values(client, made["batch"], values[:1]).json()
    assert ([one["outcome"] for one in first["results"]], first["open"]) == (["attached"], 3)
    rest = post_values(client, made["batch"], values).json()
    assert [one["outcome"] for one in rest["results"]] == ["already-attached", *["attached"] * 3]
    assert rest["open"] == 0
    school.assert_rows_tell_what_files_hold()


@SQLITE_ONLY
def test_the_review_travels_with_the_batch(school: SmallSchool, client: httpx.Client) -> None:
    """The agent shows what `hocba sign` would; another review has another code, so an approval is for this one."""
    signer = school.open_person(school.teachers[0])
    made = prepare(client, signer)
    identity = build_identity([signer.certificate, *signer.chain])
    desk = open_absent_desk(school.workspace, identity, open_services(school.workspace, school.fetch))
    expected = build_list_review(desk, school_code=SCHOOL)
    assert made["review"] == {"sha256": expected.digest.hex(), "lines": describe(expected)}
    assert "Sẽ ký 2 học bạ: 2 chữ ký XML, 2 chữ ký PDF." in made["review"]["lines"]
    assert client.get(f"{BATCHES}/{made['batch']}", headers=AS_CLERK).json()["review"] == made["review"]
    for member, other in (("lines", ["Sẽ ký 1 học bạ."]), ("sha256", "00" * 32)):
        with pytest.raises(SigningListInvalid, match="changed"):
            sign(client, made | {"review": made["review"] | {member: other}}, signer)


def test_an_agent_goes_on_after_the_service_was_started_again(school: SmallSchool) -> None:
    signer = school.open_person(school.teachers[0])
    with open_client(open_app(school)) as client:
        made = prepare(client, signer)
    with open_client(open_app(school)) as client:
        values = sign(client, made, signer)
    with open_client(open_app(school)) as client:
        assert post_values(client, made["batch"], values).json()["open"] == 0


def test_agents_that_send_at_the_same_time_sign_everything_once(school: SmallSchool, client: httpx.Client) -> None:
    signers = [school.open_person(code) for code in school.teachers if code != school.homeroom][:3]
    made = [prepare(client, signer) for signer in signers]
    values = [sign(client, one, signer) for one, signer in zip(made, signers, strict=True)]
    with ThreadPoolExecutor(6) as threads:  # each batch is sent twice
        sent = [threads.submit(post_values, client, made[at % 3]["batch"], values[at % 3]) for at in range(6)]
        answers = [one.result().json()["results"] for one in sent]
    outcomes = Counter((one["format"], one["outcome"], one.get("code")) for answer in answers for one in answer)
    assert outcomes["xades", "attached", None] == outcomes["xades", "already-attached", None] == 3 * 2
    assert outcomes["pades", "attached", None] == 2, "one PDF signature of each document was first"
    refused = {(kind, code) for kind, outcome, code in outcomes if outcome == "refused"}
    assert refused <= {("pades", "stale-digest"), ("pades", "slot-not-ready"), ("pades", "conflict")}
    school.assert_rows_tell_what_files_hold()
    school.assert_store_is_sound()


@SQLITE_ONLY
def test_pages_of_digests_follow_each_other(school: SmallSchool, client: httpx.Client) -> None:
    made = prepare(client, school.open_person(school.teachers[0]))
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        path = f"{BATCHES}/{made['batch']}/digests"
        page = client.get(path, headers=AS_CLERK, params={"after": after, "limit": 3}).json()
        found += page["digests"]
        after = page["next"]
    assert [one["number"] for one in found] == [1, 2, 3, 4]
    too_many = client.get(f"{BATCHES}/{made['batch']}/digests", headers=AS_CLERK, params={"limit": MAX_BATCH_PAGE + 1})
    read_problem(too_many, 422, "invalid-request")


@SQLITE_ONLY
def test_nothing_but_values_is_open_to_strangers(school: SmallSchool, client: httpx.Client) -> None:
    signer = school.open_person(school.teachers[0])
    read_problem(client.post(BATCHES, json=ask_for(signer)), 401, "unauthorized")
    made = prepare(client, signer)
    path = f"{BATCHES}/{made['batch']}"
    for answer in (client.get(path), client.get(f"{path}/digests"), client.delete(path)):
        read_problem(answer, 401, "unauthorized")
    forged = [one | {"value": b64encode(b"\x01" * 64).decode()} for one in sign(client, made, signer)]
    results = post_values(client, made["batch"], forged).json()["results"]
    assert {(one["outcome"], one["code"]) for one in results} == {("refused", "signature-mismatch")}
    school.assert_rows_tell_what_files_hold()


@SQLITE_ONLY
def test_an_installation_without_a_token_prepares_nothing(school: SmallSchool) -> None:
    closed = let_clerks_in(school, clerk_token_sha256=None)
    with open_client(open_app(closed)) as client:
        asked = client.post(BATCHES, headers=AS_CLERK, json=ask_for(school.open_person(school.teachers[0])))
        read_problem(asked, 403, "forbidden")


@SQLITE_ONLY
def test_a_batch_can_be_given_up_and_is_unknown_then(school: SmallSchool, client: httpx.Client) -> None:
    signer = school.open_person(school.teachers[0])
    made = prepare(client, signer)
    values = sign(client, made, signer)
    assert client.delete(f"{BATCHES}/{made['batch']}", headers=AS_CLERK).status_code == 204
    read_problem(post_values(client, made["batch"], values), 404, "not-found")
    read_problem(client.get(f"{BATCHES}/{made['batch']}", headers=AS_CLERK), 404, "not-found")
    read_problem(client.delete(f"{BATCHES}/{made['batch']}", headers=AS_CLERK), 404, "not-found")


@SQLITE_ONLY
def test_values_that_come_too_late_are_told_so(school: SmallSchool) -> None:
    signer = school.open_person(school.teachers[0])
    with open_client(open_app(school)) as client:
        made = prepare(client, signer)
        values = sign(client, made, signer)
    with open_client(open_app(later(school, BATCH_LIFETIME + timedelta(hours=1)))) as client:
        read_problem(post_values(client, made["batch"], values), 410, "signing-batch-expired")
    school.assert_rows_tell_what_files_hold()


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "signing-list-invalid"),
        ([], 422, "signing-list-invalid"),
        ({"certificates": []}, 422, "input-error"),
        ({"certificates": ["AAAA"]}, 422, "input-error"),
        ({"certificates": [17]}, 422, "signing-list-invalid"),
        ({"certificates": ["AAAA"] * 9}, 413, "limit-exceeded"),
        ({"certificates": ["A" * MAX_PREPARE_BYTES]}, 413, "limit-exceeded"),
        ({"certificates": ["AAAA"], "algorithm": "none"}, 422, "signing-list-invalid"),
    ],
)
def test_requests_that_cannot_be_used_are_refused(client: httpx.Client, body: object, status: int, code: str) -> None:
    read_problem(client.post(BATCHES, headers=AS_CLERK, json=body), status, code)


@SQLITE_ONLY
def test_values_that_cannot_be_read_are_refused_whole(school: SmallSchool, client: httpx.Client) -> None:
    made = prepare(client, school.open_person(school.teachers[0]))
    path = f"{BATCHES}/{made['batch']}/values"
    read_problem(client.post(path, content=b"{"), 422, "malformed-transcript")
    read_problem(client.post(path, content=b'{"values":[],"values":[]}'), 422, "malformed-transcript")
    read_problem(client.post(path, json={"values": [{}]}), 422, "signing-list-invalid")
    read_problem(client.post(path, json={"values": [{}] * (MAX_BATCH_PAGE + 1)}), 413, "limit-exceeded")
    assert client.post(path, json={"values": []}).json() == {"results": [], "open": 4}


@SQLITE_ONLY
def test_who_may_sign_nothing_here_gets_no_list(school: SmallSchool, client: httpx.Client) -> None:
    nothing = client.post(BATCHES, headers=AS_CLERK, json=ask_for(open_other_teacher()))
    read_problem(nothing, 409, "nothing-to-sign")
    seal = client.post(BATCHES, headers=AS_CLERK, json=ask_for(open_other_seal()))
    read_problem(seal, 422, "not-eligible")


@SQLITE_ONLY
def test_senders_of_values_are_counted(school: SmallSchool) -> None:
    with open_client(open_app(let_clerks_in(school, agent_limit="2/minute"))) as client:
        answers = [post_values(client, "0" * 26, []).status_code for _ in range(3)]
    assert answers == [404, 404, 429]


@SQLITE_ONLY
def test_the_agent_signs_a_service_elsewhere(school: SmallSchool) -> None:
    signer = school.open_person(school.teachers[0])
    with open_agent(school) as agent:
        prepared = agent.prepare(SigningIdentity.of(signer), school_code=SCHOOL, class_name="7A1")
        signing_list = agent.fetch_list(prepared.head)
        values = [value for chunk in sign_list(signing_list, signer, most=3) for value in chunk.values]
        assert [one["outcome"] for one in agent.send(prepared.head.batch_id, values)] == ["attached"] * 4
        assert {one["outcome"] for one in agent.send(prepared.head.batch_id, values)} == {"already-attached"}
        agent.drop(prepared.head.batch_id)
        with pytest.raises(ServiceRefused) as refused:
            agent.send(prepared.head.batch_id, values)
        assert (refused.value.code, refused.value.status) == ("not-found", 404)
    school.assert_rows_tell_what_files_hold()


@SQLITE_ONLY
def test_the_agent_does_not_take_another_list_than_the_head_names(school: SmallSchool) -> None:
    signer = school.open_person(school.teachers[0])
    with open_agent(school) as agent:
        head = agent.prepare(SigningIdentity.of(signer), school_code=SCHOOL, class_name=None).head
        for wrong in (replace(head, list_sha256=bytes(32)), replace(head, documents=1), replace(head, digests=5)):
            with pytest.raises(SigningListInvalid):
                agent.fetch_list(wrong)


@SQLITE_ONLY
def test_the_agent_names_what_is_wrong_with_the_service(school: SmallSchool) -> None:
    identity = SigningIdentity.of(school.open_person(school.teachers[0]))
    with open_agent(school, "another token") as agent, pytest.raises(ServiceRefused) as refused:
        agent.prepare(identity, school_code=SCHOOL, class_name=None)
    assert refused.value.code == "unauthorized"
    with AgentClient("http://127.0.0.1:1", TOKEN) as agent, pytest.raises(ServiceUnreachable):
        agent.prepare(identity, school_code=SCHOOL, class_name=None)


@pytest.mark.parametrize("address", ["http://hocba.example", "ftp://127.0.0.1", "hocba.example", "https://", ""])
def test_the_token_goes_to_no_plain_address(address: str) -> None:
    with pytest.raises(InputError):
        AgentClient(address, TOKEN)
