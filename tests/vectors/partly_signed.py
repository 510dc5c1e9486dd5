"""XML files of others in which something is said that nobody signed; every signature is right."""

from __future__ import annotations

from typing import Final

from tests.vectors.cases import Question, cannot_tell, sound
from tests.vectors.detached import enveloping

_RULE: Final = "EN 319 102-1, 5.2.8: what is shown is what was signed"
_MARK: Final = b"<diem>10</diem>"
_ASKED: Final = Question.SIGNATURES


def _around(before: bytes, after: bytes = b"", *, root: bytes = b"hoSo") -> bytes:
    """Return a file that holds words, and a signature over its own object alone."""
    return b"<%s>%s%s%s</%s>" % (root, before, enveloping(("o1", "<x>hello</x>")), after, root.split(b" ")[0])


@cannot_tell(_RULE, "content.signed", question=_ASKED)
def mark_beside_a_signature_over_its_own_object() -> bytes:
    return _around(_MARK)


@cannot_tell(_RULE, "content.signed", question=_ASKED)
def words_behind_a_signature() -> bytes:
    return _around(b"", b"Toan: 10")


@cannot_tell(_RULE, "content.signed", question=_ASKED)
def mark_in_an_attribute_of_the_root() -> bytes:
    return _around(b"", root=b'hoSo diem="10"')


@cannot_tell(_RULE, "content.signed", question=_ASKED)
def mark_in_an_object_that_no_reference_names() -> bytes:
    signature = enveloping(("o1", "<x>hello</x>"))
    end = signature.rindex(b"</ds:Signature>")
    return signature[:end] + b"<ds:Object>" + _MARK + b"</ds:Object>" + signature[end:]


@sound("docs/verification.md: identifiers and empty elements say nothing", question=_ASKED)
def frame_without_words_around_a_signature() -> bytes:
    return _around(b"<choKy></choKy>", root=b'hoSo Id="h"')
