"""The field of a document timestamp: the one form in which it is written and in which it is accepted.

ISO 32000-2, 12.7.5.5 (a field that is not to be seen has a rectangle without extent) and 12.8.5.  The field is one
object with its widget, listed in the form and among the annotations of the page that bears the seal.  PDF/A-3 (ISO
19005-3, 6.3.3) asks no appearance of an annotation without extent; it needs the flag Print, and Locked so that nobody
moves it.  PDF/UA-1 (ISO 14289-1, 7.18.1, 7.18.4) asks a tag of what is not hidden and not outside the page's crop box;
PDF/A forbids to hide it, so it stands outside.
"""

from __future__ import annotations

from typing import Final

from transcript_core.pdf.values import Name, Ref, String, Value

FIELD_PREFIX: Final = "dau-thoi-gian-"
_DESCRIPTION: Final = "Dấu thời gian của toàn bộ tệp"
_PRINTED_AND_LOCKED: Final = 132  # ISO 32000-1, table 165: bits 3 and 8


def build_field_name(count: int) -> str:
    """Return the name of the next document timestamp's field when there are `count` already."""
    return f"{FIELD_PREFIX}{count + 1}"


def build_field(name: str, *, page: int, value: int) -> dict[str, Value]:
    """Return the field's dictionary.

    Args:
        name: `build_field_name`'s.
        page: object number of the page that lists it.
        value: object number of the timestamp's dictionary.
    """
    return {
        "Type": Name("Annot"),
        "Subtype": Name("Widget"),
        "FT": Name("Sig"),
        "T": String(name.encode("ascii")),
        "TU": String(b"\xfe\xff" + _DESCRIPTION.encode("utf-16-be")),
        "F": _PRINTED_AND_LOCKED,
        "Rect": [-1, -1, -1, -1],
        "P": Ref(page),
        "V": Ref(value),
    }
