"""Signed trust lists: what is accepted, and every way in which one is refused.  ETSI TS 119 612, 5."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from keys_dev.trust_lists import build_trust_list, sign_trust_list
from tests.support.signers import make_key, make_signer
from tests.support.trust_lists import (
    BEGINNING,
    CA,
    GRANTED,
    ISSUED_AT,
    NEXT_UPDATE,
    OTHER_CA,
    READ_AT,
    WITHDRAWN,
    certificate_of,
    open_sample,
    operator,
    sample_list,
    service,
    sign,
    sign_text,
)
from transcript_core.errors import TrustListInvalid, TrustListOutOfDate
from transcript_core.pki.trust import World
from transcript_core.pki.trust_list import TrustList
from verify.trust_lists import CLOCK_TOLERANCE, open_trust_list

SECOND = timedelta(seconds=1)
Change = Callable[[str], str]


@cache
def signed() -> bytes:
    return sign(sample_list([service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN))]))


def refuse(data: bytes, match: str) -> None:
    with pytest.raises(TrustListInvalid, match=match):
        open_trust_list(data, [operator()], at=READ_AT)


def swap(old: str, new: str, count: int = 1) -> Change:
    return lambda text: text.replace(old, new, count)


# What is accepted


def test_a_signed_list_says_what_was_written() -> None:
    written = sample_list()
    read = open_sample(written)
    assert read == written
    assert read.world is World.NATIONAL
    assert (read.number, read.operator, read.next_update) == (7, "Cơ quan quản lý", NEXT_UPDATE)


def test_history_comes_back_in_order_each_status_up_to_the_next() -> None:
    again = ISSUED_AT + timedelta(days=1)
    written = sample_list([service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN), (again, GRANTED))])
    read = open_sample(written)
    assert read == written
    assert [period.to_time for period in read.services[0].periods] == [ISSUED_AT, again, None]


def test_text_is_read_across_comments_as_its_canonical_form_has_it() -> None:
    whole = sign(sample_list())
    split = whole.replace(b"Svcstatus/granted", b"Svcstatus/gran<!-- x -->ted")
    assert split != whole
    assert open_trust_list(split, [operator()], at=READ_AT) == open_sample(sample_list())
    split = sign(sample_list(), swap("Svcstatus/granted", "Svcstatus/gran<!---->ted"))
    assert open_trust_list(split, [operator()], at=READ_AT) == open_sample(sample_list())


def test_vietnamese_names_come_first_then_english() -> None:
    names = '<Name xml:lang="de">Amt</Name><Name xml:lang="en">Office</Name>'
    data = sign(sample_list(), swap('<Name xml:lang="vi">Cơ quan quản lý</Name>', names))
    assert open_trust_list(data, [operator()], at=READ_AT).operator == "Office"
    data = sign(sample_list(), swap('<Name xml:lang="vi">Cơ quan quản lý</Name>', '<Name xml:lang="de">Amt</Name>'))
    assert open_trust_list(data, [operator()], at=READ_AT).operator == "Amt"


def test_one_of_several_operators_is_enough() -> None:
    others = [certificate_of("national-root"), operator()]
    assert open_trust_list(sign(sample_list()), others, at=READ_AT).number == 7


# Who signed


def test_another_signer_is_refused() -> None:
    other = make_signer("p-256", name="HOCBA list operator")
    data = sign_trust_list(build_trust_list(sample_list()), other.key, other.certificate, at=ISSUED_AT)  # type: ignore[arg-type]
    refuse(data, "configured certificate of its operator")
    assert open_trust_list(data, [other.certificate], at=READ_AT).number == 7


def test_to_chain_to_a_configured_certificate_is_not_enough() -> None:
    with pytest.raises(TrustListInvalid, match="configured certificate"):
        open_trust_list(sign(sample_list()), [certificate_of("national-root")], at=READ_AT)
    with pytest.raises(TrustListInvalid, match="configured certificate"):
        open_trust_list(sign(sample_list()), [], at=READ_AT)


def test_the_operators_certificate_on_another_key_is_refused() -> None:
    data = sign_trust_list(build_trust_list(sample_list()), make_key("p-256", 5), operator(), at=ISSUED_AT)  # type: ignore[arg-type]
    refuse(data, "changed after it was signed")


@pytest.mark.parametrize(
    "changes", [{"not_after": ISSUED_AT - SECOND}, {"not_before": ISSUED_AT + SECOND}, {"may_sign": False}]
)
def test_operators_certificate_must_have_been_one_to_sign_with(changes: dict[str, object]) -> None:
    other = make_signer("p-256", **changes)  # type: ignore[arg-type]
    data = sign_trust_list(build_trust_list(sample_list()), other.key, other.certificate, at=ISSUED_AT)  # type: ignore[arg-type]
    with pytest.raises(TrustListInvalid, match="not one to sign with"):
        open_trust_list(data, [other.certificate], at=READ_AT)


# What was signed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Svcstatus/withdrawn", b"Svcstatus/granted"),
        (b"<TSLSequenceNumber>7<", b"<TSLSequenceNumber>8<"),
        (b"trust-world:national", b"trust-world:public-duty"),
        (b"<dateTime>2026", b"<dateTime>2036"),
        (b"<ServiceHistory>", b"<ServiceHistory><!-- --><X xmlns=''></X>"),
        (b"<TSPService>", b"<?x y?><TSPService>"),
        (b"Nh\xc3\xa0 cung c\xe1\xba\xa5p", b"Nha cung cap"),
    ],
)
def test_an_edited_list_is_refused(old: bytes, new: bytes) -> None:
    assert old in signed()
    refuse(signed().replace(old, new), "changed after it was signed")


def _with_second_signature(data: bytes) -> bytes:
    start = data.index(b"<ds:Signature ")
    end = data.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    second = data[start:end].replace(b'Id="sig', b'Id="two').replace(b'"#sig', b'"#two')
    return data[:end] + second + data[end:]


def _with_signature_elsewhere(data: bytes) -> bytes:
    start = data.index(b"<ds:Signature ")
    end = data.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    moved = data[:start] + data[end:]
    return moved.replace(b"</SchemeInformation>", data[start:end] + b"</SchemeInformation>")


def _wrapped_in_object(data: bytes) -> bytes:
    """An invented list around the genuine one, which its signature's Object holds."""
    start = data.index(b"<ds:Signature ")
    end = data.index(b"</ds:Signature>")
    genuine = data[:start] + b"</TrustServiceStatusList>"
    invented = data[:start].replace(b"Svcstatus/withdrawn", b"Svcstatus/granted").replace(b'Id="list"', b'Id="evil"')
    return invented + data[start:end] + b"<ds:Object>" + genuine + b"</ds:Object>" + data[end:]


def _genuine_inside(data: bytes) -> bytes:
    """An invented list with the whole genuine one, signature and all, as an extension."""
    start = data.index(b"<ds:Signature ")
    invented = data[:start].replace(b'Id="list"', b'Id="evil"')
    return invented + data + b"</TrustServiceStatusList>"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_with_second_signature, "exactly one signature"),
        (_with_signature_elsewhere, "exactly one signature"),
        (_genuine_inside, "exactly one signature"),
        (_wrapped_in_object, "changed after it was signed"),
        (lambda data: data.replace(b' URI=""', b' URI="#list"'), "does not cover"),
        (lambda data: data.replace(b' URI=""', b' URI="list.xml"'), "cannot be accepted"),
        (lambda data: data.replace(b"enveloped-signature", b"base64"), "cannot be accepted|does not cover"),
        (lambda data: data.replace(b'#sig-properties"', b'#sig"'), "cannot be accepted"),
        (lambda data: data.replace(b'Target="#sig"', b'Target="#list"'), "cannot be accepted"),
        (lambda data: data.replace(b"ecdsa-sha256", b"hmac-sha256"), "cannot be accepted"),
        (lambda data: data.replace(b"ecdsa-sha256", b"ecdsa-sha1"), "cannot be accepted|not of an accepted kind"),
        (lambda data: data.replace(b'Id="sig-properties"', b'Id="list"'), "not usable XML"),
        (lambda data: b"<!DOCTYPE TrustServiceStatusList>" + data, "DOCTYPE"),
        (lambda data: b'<!DOCTYPE x [<!ENTITY a "b">]>' + data, "DOCTYPE"),
        (lambda data: data + b"x", "not usable XML"),
        (lambda data: data[:-1], "not usable XML"),
        (lambda _: b"", "not usable XML"),
        (lambda _: b"<a></a>", "exactly one signature"),
        (lambda data: data[: data.index(b"<ds:Signature ")] + b"</TrustServiceStatusList>", "exactly one signature"),
    ],
)
def test_a_signature_of_another_shape_is_refused(change: Callable[[bytes], bytes], match: str) -> None:
    changed = change(signed())
    assert changed != signed()
    refuse(changed, match)


def test_a_signature_over_a_part_of_the_list_is_refused_though_its_mathematics_holds() -> None:
    """As the operator's own tool could make it by mistake: signed anew with a reference by Id, or other transforms."""
    text = sign(sample_list()).decode()
    for old, new in ((' URI=""', ' URI="#list"'), ("xml-exc-c14n#", "xml-exc-c14n#WithComments")):
        with pytest.raises(TrustListInvalid):
            open_trust_list(text.replace(old, new).encode(), [operator()], at=READ_AT)


# When


def test_a_list_is_good_until_the_next_one_is_due() -> None:
    data = sign(sample_list())
    open_trust_list(data, [operator()], at=NEXT_UPDATE - SECOND)
    with pytest.raises(TrustListOutOfDate, match="newer trust list than 7 was due"):
        open_trust_list(data, [operator()], at=NEXT_UPDATE)


def test_a_list_from_the_future_is_refused() -> None:
    data = sign(sample_list())
    open_trust_list(data, [operator()], at=ISSUED_AT - CLOCK_TOLERANCE)
    with pytest.raises(TrustListOutOfDate, match="was issued on"):
        open_trust_list(data, [operator()], at=ISSUED_AT - CLOCK_TOLERANCE - SECOND)
    open_trust_list(data, [operator()], at=BEGINNING, now=READ_AT)  # asked about the past, with the list of today


def test_a_closed_scheme_gives_no_trust() -> None:
    with pytest.raises(TrustListOutOfDate, match="closed"):
        open_sample(sample_list(next_update=None))


def test_an_older_number_is_refused() -> None:
    data = sign(sample_list())
    assert open_trust_list(data, [operator()], at=READ_AT, min_number=7).number == 7
    with pytest.raises(TrustListInvalid, match="replaced by list 8"):
        open_trust_list(data, [operator()], at=READ_AT, min_number=8)


# What it says


def _history(text: str) -> str:
    instance = text[text.index("<ServiceHistoryInstance>") : text.index("</ServiceHistory>")]
    return text.replace(instance, instance * 2)


def _identity(new: str) -> Change:
    """Put another identity into the earlier status."""

    def change(text: str) -> str:
        start = text.index("<X509SKI>", text.index("<ServiceHistory>"))
        end = text.index("</X509SKI>", start) + len("</X509SKI>")
        return text[:start] + new + text[end:]

    return change


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (swap("<TSLVersionIdentifier>5", "<TSLVersionIdentifier>4"), "version"),
        (swap("<TSLSequenceNumber>7", "<TSLSequenceNumber>0"), "positive"),
        (swap("<TSLSequenceNumber>7", "<TSLSequenceNumber>-7"), "positive"),
        (swap("<TSLSequenceNumber>7", "<TSLSequenceNumber>7</TSLSequenceNumber><TSLSequenceNumber>8"), "more than one"),
        (swap("<TSLSequenceNumber>7</TSLSequenceNumber>", ""), "no TSLSequenceNumber"),
        (swap("<NextUpdate><dateTime>2026-11-02T00:00:00Z</dateTime></NextUpdate>", ""), "no NextUpdate"),
        (swap("2026-11-02T00:00:00Z", "2026-11-02T00:00:00+07:00"), "a time that"),
        (swap("2026-11-02T00:00:00Z", "2026-13-02T00:00:00Z"), "a time that"),
        (swap("2026-11-02T00:00:00Z", "2026-05-01T00:00:00Z"), "ends before it begins"),
        (swap("<SchemeTerritory>VN", "<SchemeTerritory>"), "no text"),
        (swap("<SchemeTerritory>VN", "<SchemeTerritory><b>VN</b>"), "elements where a text"),
        (swap("</SchemeInformation>", "</SchemeInformation><SchemeInformation></SchemeInformation>"), "more than one"),
        (swap('<Name xml:lang="vi">Cơ quan quản lý</Name>', ""), "no Name"),
        (
            swap(
                "</NextUpdate>",
                '</NextUpdate><SchemeExtensions><Extension Critical="true"><x/></Extension></SchemeExtensions>',
            ),
            "critical scheme extension",
        ),
        (_history, "begin at the same moment"),
        (swap(f"<StatusStartingTime>{ISSUED_AT:%Y-%m-%d}", "<StatusStartingTime>2023-12-31"), "an earlier one after"),
        (_identity(""), "without X509SKI"),
        (_identity("<X509SubjectName>CN=x</X509SubjectName>"), "without X509SKI"),
        (_identity(f"<X509SKI>{_b64(bytes(20))}</X509SKI>"), "another key"),
        (_identity("<X509SKI>not base64!</X509SKI>"), "Base64"),
        (swap("<X509Certificate>MII", "<X509Certificate>AAA"), "cannot be read"),
        (swap("<ServiceStatus>", "<Status>"), "not usable XML"),
        (swap(f"<ServiceStatus>{WITHDRAWN}</ServiceStatus>", ""), "no ServiceStatus"),
    ],
)
def test_a_list_that_cannot_be_read_to_the_end_is_refused_as_a_whole(change: Change, match: str) -> None:
    """A status left out would lengthen the one before it."""
    written = sample_list([service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN))])
    if match == "not usable XML":
        refuse(signed().replace(b"<ServiceStatus>", b"<Status>", 1), match)
        return
    refuse(sign(written, change), match)


def test_an_earlier_status_of_another_certificate_is_refused() -> None:
    other = _b64(certificate_of("public-duty-ca").der)
    written = sample_list([service("national-ca", (BEGINNING, GRANTED), (ISSUED_AT, WITHDRAWN))])
    refuse(sign(written, _identity(f"<X509Certificate>{other}</X509Certificate>")), "another key")


def test_two_keys_for_one_service_are_refused() -> None:
    both = replace(
        service("national-ca"), certificates=(certificate_of("national-ca"), certificate_of("public-duty-ca"))
    )
    refuse(sign(sample_list([both])), "different keys")


def test_one_service_twice_is_refused_and_two_types_of_one_key_are_not() -> None:
    twice = build_trust_list(sample_list([service("national-ca")])).decode()
    start, end = twice.index("<TSPService>"), twice.index("</TSPServices>")
    data = sign_text(twice, lambda text: text.replace(twice[start:end], 2 * twice[start:end]))
    refuse(data, "names the service national-ca twice")
    read = open_sample(sample_list([service("national-ca"), service("national-ca", service_type=OTHER_CA)]))
    assert [one.periods[0].service_type for one in read.services] == [CA, OTHER_CA]


# Nothing but what was signed


def test_whatever_is_changed_the_list_is_refused_or_says_the_same() -> None:
    """Every bit matters or is no content: a thousand flips, deletions and doublings all over the file."""
    data = signed()
    genuine = open_trust_list(data, [operator()], at=READ_AT)
    chance = random.Random(119612)
    for number in range(900):
        place = chance.randrange(len(data))
        edits = (
            data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :],
            data[:place] + data[place + 1 + chance.randrange(40) :],
            data[:place] + data[max(0, place - chance.randrange(1, 200)) : place] + data[place:],
        )
        assert _read(edits[number % 3]) in (None, genuine)


def _read(data: bytes) -> TrustList | None:
    try:
        return open_trust_list(data, [operator()], at=READ_AT)
    except TrustListInvalid:
        return None
