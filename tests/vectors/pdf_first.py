"""PDFs whose first revision, which everybody signed, acts by itself, covers its pages or carries more than the data.

Every signature is right and covers all of it, so only what the first revision may hold can refuse them.
"""

from __future__ import annotations

import re
from typing import Final

from tests.support.pdf_first import insert, swap
from tests.vectors.cases import cannot_tell, fails
from tests.vectors.pdf_forge import sign_over
from tests.vectors.pictures import first_revision

_ACTS: Final = "ISO 32000-1, 12.6: nothing in a transcript acts by itself"
_COVERS: Final = "ISO 32000-1, 12.5: the prepared fields are the only annotations"
_LAYERS: Final = "ISO 32000-1, 8.11: a transcript has no layers"
_FILES: Final = "ISO 32000-1, 7.11.4: the data are the only attached file"
_FIELDS: Final = b"/Annots["
_SCRIPT: Final = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"


def _sign_with(behind: bytes, text: bytes) -> bytes:
    return sign_over(insert(first_revision(), behind, text))


def _find_page() -> bytes:
    pages: list[bytes] = re.findall(rb"<</Type/Page/Resources \d+ 0 R", first_revision())
    return pages[-1]


@fails(_ACTS, "pdf.revisions")
def prepared_with_a_script_for_opening() -> bytes:
    return _sign_with(b"/Type/Catalog", b"/OpenAction" + _SCRIPT)


@fails(_ACTS, "pdf.revisions")
def prepared_with_actions_of_the_file() -> bytes:
    return _sign_with(b"/Type/Catalog", b"/AA<</WP" + _SCRIPT + b">>")


@fails(_ACTS, "pdf.revisions")
def prepared_with_scripts_by_name() -> bytes:
    return _sign_with(b"/Names<<", b"/JavaScript<</Names[(a)" + _SCRIPT + b"]>>")


@fails(_ACTS, "pdf.revisions")
def prepared_with_a_script_for_a_page() -> bytes:
    return _sign_with(_find_page(), b"/AA<</O" + _SCRIPT + b">>")


@fails(_ACTS, "pdf.revisions")
def prepared_with_an_outline_that_acts() -> bytes:
    (found,) = re.findall(rb"/Dest \d+ 0 R", first_revision())[:1]
    return _sign_with(found, b"/A<</S/URI/URI(https://evil.example)>>")


@fails(_COVERS, "pdf.revisions")
def prepared_with_a_link_over_a_page() -> bytes:
    return _sign_with(_FIELDS, b"<</Type/Annot/Subtype/Link/Rect[0 0 600 800]/A" + _SCRIPT + b">> ")


@fails(_COVERS, "pdf.revisions")
def prepared_with_a_note_over_the_marks() -> bytes:
    note = b"<</Type/Annot/Subtype/FreeText/Rect[100 300 400 500]/Contents(Toan 9.9)/DA(/Helv 20 Tf)>> "
    return _sign_with(_FIELDS, note)


@fails(_COVERS, "pdf.revisions")
def prepared_with_a_field_shown_twice() -> bytes:
    (found,) = re.findall(rb"/Annots\[(\d+ 0 R )", first_revision())[:1]
    return _sign_with(_FIELDS, found)


@fails(_LAYERS, "pdf.revisions")
def prepared_with_layers() -> bytes:
    return _sign_with(b"/Type/Catalog", b"/OCProperties<</OCGs[]/D<<>>>>")


@fails(_LAYERS, "pdf.revisions")
def prepared_with_layers_on_a_page() -> bytes:
    return _sign_with(b"/ProcSet[/PDF/Text/ImageC/ImageB]", b"/Properties<<>>")


@fails(_FILES, "document.type", "pdf.revisions")
def prepared_with_two_attached_files() -> bytes:
    return _sign_with(b"/EmbeddedFiles<</Names[", b"(a.exe)1 0 R")


@fails(_FILES, "pdf.revisions")
def prepared_with_a_file_of_the_whole_document() -> bytes:
    return _sign_with(b"/AF[", b"1 0 R ")


@fails(_FILES, "pdf.revisions")
def prepared_with_a_file_of_a_page() -> bytes:
    return _sign_with(_find_page(), b"/AF[1 0 R]")


@fails(_FILES, "pdf.revisions")
def prepared_with_two_contents_of_the_attached_file() -> bytes:
    (found,) = re.findall(rb"/EF<</F (\d+) 0 R", first_revision())
    other = b"/UF %d 0 R>>" % (int(found) - 1)
    return sign_over(swap(first_revision(), b"/UF %s 0 R>>" % found, other))


@cannot_tell("docs/verification.md: what a release does not know", "pdf.revisions")
def prepared_with_an_entry_that_is_not_known() -> bytes:
    return _sign_with(_find_page(), b"/UserUnit 2")
