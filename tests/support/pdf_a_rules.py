"""Rules of PDF/A-3a (ISO 19005-3) that our writer and signer could break, numbered and cited, each able to fail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pikepdf
from asn1crypto import cms

from tests.support.pdf_file import File, Rule, is_true

ALLOWED_ACTIONS = frozenset({"/GoTo", "/GoToR", "/GoToE", "/Thread", "/URI", "/Named", "/SubmitForm"})
RELATIONSHIPS = frozenset({"/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified"})
_OBJECT = re.compile(rb"(\d+) (\d+) obj\n")
_STREAM = re.compile(rb"stream(\r\n|\n|\r)")


def _header(file: File) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[0-7]\n%[\x80-\xff]{4}", file.octets):
        yield "the header or its binary comment is wrong"


def _trailer(file: File) -> Iterator[str]:
    if not re.search(rb"%%EOF(\r\n|\n|\r)?\Z", file.octets):
        yield "something stands after the last %%EOF"
    identifiers = set()
    for _, _, trailer in file.sections:
        if b"/Encrypt" in trailer:
            yield "the file is encrypted"
        found = re.search(rb"/ID\s*\[\s*<([0-9A-Fa-f]+)>", trailer)
        identifiers.add(found[1] if found else None)
    if None in identifiers or len(identifiers) > 1:
        yield "a trailer lacks /ID, or two trailers have different first identifiers"


def _tables(file: File) -> Iterator[str]:
    for at, entries, _ in file.sections:
        if not re.match(rb"xref\n(\d+ \d+\n(\d{10} \d{5} [nf](\r\n| \n| \r))*)+trailer\b", file.octets[at:]):
            yield f"the cross-reference section at {at} is not of the exact form"
        for number, offset in entries.items():
            if not file.octets.startswith(b"%d 0 obj" % number, offset):
                yield f"object {number} does not stand where the section at {at} says"


def _objects(file: File) -> Iterator[str]:
    for number, content in file.raw_objects:
        if not _OBJECT.match(content) or not content.rstrip(b"\r\n").endswith(b"\nendobj"):
            yield f"object {number}: obj and endobj do not stand on lines of their own"


def _streams(file: File) -> Iterator[str]:
    for number, content in file.raw_objects:
        begin = _STREAM.search(content)
        if begin is None or b"endstream" not in content:
            continue
        length = re.search(rb"/Length (\d+)(?! \d+ R)", content[: begin.start()])
        if begin[1] == b"\r" or length is None:
            yield f"object {number}: stream keyword or /Length is wrong"
        elif not re.match(rb"(\r\n|\n|\r)endstream\b", content[begin.end() + int(length[1]) :]):
            yield f"object {number}: /Length is not the stream's"


def _filters(file: File) -> Iterator[str]:
    for one in file.dictionaries:
        if not isinstance(one, pikepdf.Stream):
            continue
        if any(key in one for key in ("/F", "/FFilter", "/FDecodeParms")):
            yield "a stream lies outside the file"
        if any(name in str(one.get("/Filter", "")) for name in ("LZWDecode", "Crypt")):
            yield "a stream uses LZW or Crypt"


def _hex_strings(file: File) -> Iterator[str]:
    for number, content in file.raw_objects:
        begin = _STREAM.search(content)
        head = content if begin is None or b"endstream" not in content else content[: begin.start()]
        for digits in re.findall(rb"(?<!<)<([^<>]*)>", re.sub(rb"\((?:\\.|[^\\()])*\)", b"()", head)):
            if len(digits.split()) > 1 or not re.fullmatch(rb"(?:[0-9A-Fa-f]{2})*", digits):
                yield f"object {number}: a hexadecimal string is not of whole octets"


def _limits(file: File) -> Iterator[str]:
    if len(file.pdf.objects) > 8_388_607:
        yield "too many objects"
    for one in file.dictionaries:
        for key, value in one.items():
            if len(key) > 128:
                yield "a name is longer than 127 octets"
            if isinstance(value, pikepdf.String) and len(bytes(value)) > 32_767:
                yield f"the string {key} is longer than 32767 octets"


def _output_intent(file: File) -> Iterator[str]:
    intents = [one for one in file.root.get("/OutputIntents", []) if one.get("/S") == "/GTS_PDFA1"]
    if len(intents) != 1 or "/DestOutputProfile" not in intents[0]:
        yield "there is not exactly one PDF/A output intent with a profile"
        return
    profile = intents[0].DestOutputProfile
    content = profile.read_bytes()
    if int(profile.N) != 3 or content[16:20] != b"RGB " or content[36:40] != b"acsp" or content[8] > 4:
        yield "the output intent's profile is not an RGB ICC profile of version 2 or 4"


def _list_content(file: File) -> Iterator[Any]:
    yield from file.pdf.pages
    for one in file.dictionaries:
        if isinstance(one, pikepdf.Stream) and one.get("/Subtype") == "/Form":
            yield one


def _colours(file: File) -> Iterator[str]:
    for content in _list_content(file):
        for instruction in pikepdf.parse_content_stream(content):
            if str(instruction.operator) in {"k", "K"}:
                yield "DeviceCMYK is used under an RGB output intent"
    if any("/DeviceCMYK" in str(one.get("/ColorSpace", "")) for one in file.dictionaries):
        yield "DeviceCMYK is used under an RGB output intent"


def _transparency(file: File) -> Iterator[str]:
    for one in file.dictionaries:
        group = one.get("/Group")
        if isinstance(group, pikepdf.Dictionary) and group.get("/S") == "/Transparency":
            yield "a transparency group is used"
        if "/SMask" in one and one.SMask != "/None":
            yield "a soft mask is used"
        if one.get("/BM", "/Normal") not in ("/Normal", "/Compatible"):
            yield "a blend mode is used"
        if any(float(one.get(key, 1)) != 1 for key in ("/CA", "/ca") if not isinstance(one.get(key), pikepdf.String)):
            yield "something is drawn half transparent"
        if any(key in one for key in ("/TR", "/HTP")):
            yield "a transfer function or halftone phase is used"


def _x_objects(file: File) -> Iterator[str]:
    for one in file.dictionaries:
        if one.get("/Subtype") == "/PS" or any(key in one for key in ("/OPI", "/PS", "/Alternates")):
            yield "a PostScript, OPI or alternate object is used"
        if one.get("/Subtype") == "/Form" and "/Ref" in one:
            yield "a reference XObject is used"
        if is_true(one, "/Interpolate"):
            yield "an image is interpolated"


def check_fonts(file: File) -> Iterator[str]:
    """Fonts are embedded and readable."""
    for font in file.fonts:
        name = str(font.get("/BaseFont"))
        if "/ToUnicode" not in font:
            yield f"font {name} has no ToUnicode"
        descendants = list(font.get("/DescendantFonts", [])) or [font]
        for one in descendants:
            descriptor = one.get("/FontDescriptor")
            if descriptor is None or not any(key in descriptor for key in ("/FontFile", "/FontFile2", "/FontFile3")):
                yield f"font {name} is not embedded"
            if one.get("/Subtype") == "/CIDFontType2" and "/CIDToGIDMap" not in one:
                yield f"font {name} has no CIDToGIDMap"


def has_no_extent(annotation: pikepdf.Object) -> bool:
    """Say whether an annotation needs no appearance, since its rectangle is a point."""
    left, bottom, right, top = (float(number) for number in annotation.Rect)
    return left == right and bottom == top


def _annotations(file: File) -> Iterator[str]:
    for _, one in file.annotations:
        if one.Subtype in ("/3D", "/Sound", "/Screen", "/Movie"):
            yield f"annotation type {one.Subtype} is not allowed"
        flags = int(one.get("/F", 0))
        if not flags & 4 or flags & (1 | 2 | 32 | 256):
            yield "an annotation would not print as it shows (/F)"
        if one.Subtype == "/Widget" and not has_no_extent(one):
            appearance = one.get("/AP", pikepdf.Dictionary())
            if list(appearance.keys()) != ["/N"] or not isinstance(appearance.N, pikepdf.Stream):
                yield "a widget's /AP is not one normal appearance stream"


def _forms(file: File) -> Iterator[str]:
    form = file.root.get("/AcroForm", pikepdf.Dictionary())
    if is_true(form, "/NeedAppearances") or "/XFA" in form or is_true(file.root, "/NeedsRendering"):
        yield "the form asks for appearances or holds XFA"
    for one in [*file.fields, *(one for _, one in file.annotations if one.Subtype == "/Widget")]:
        if "/A" in one or "/AA" in one:
            yield "a field or widget has an action"


def _signatures(file: File) -> Iterator[str]:
    for field in file.fields:
        value = field.get("/V")
        if field.get("/FT") != "/Sig" or value is None:
            continue
        name = str(field.T)
        ranges = [int(number) for number in value.ByteRange]
        if len(ranges) != 4 or ranges[0] != 0 or ranges[2] + ranges[3] > len(file.octets):
            yield f"{name}: /ByteRange is not of the form"
            continue
        gap = file.octets[ranges[1] : ranges[2]]
        if not re.fullmatch(rb"<[0-9A-Fa-f]+>", gap) or bytes.fromhex(gap[1:-1].decode()) != bytes(value.Contents):
            yield f"{name}: the gap is not exactly /Contents"
            continue
        signed = cms.ContentInfo.load(bytes(value.Contents))["content"]
        if len(signed["signer_infos"]) != 1 or not signed["certificates"]:
            yield f"{name}: not exactly one signer with a certificate"
    if set(file.root.get("/Perms", pikepdf.Dictionary()).keys()) - {"/DocMDP", "/UR3"}:
        yield "/Perms has other entries than DocMDP and UR3"


def _actions(file: File) -> Iterator[str]:
    if "/AA" in file.root or any("/AA" in page.obj for page in file.pdf.pages):
        yield "the catalog or a page has additional actions"
    if "/JavaScript" in file.root.get("/Names", pikepdf.Dictionary()):
        yield "the file has document-level JavaScript"
    for one in file.dictionaries:
        if "/JS" in one or (one.get("/Type") == "/Action" and str(one.get("/S")) not in ALLOWED_ACTIONS):
            yield "an action of a forbidden type"


def _metadata(file: File) -> Iterator[str]:
    stream = file.root.get("/Metadata")
    if stream is None or "/Filter" in stream or file.metadata is None:
        yield "the catalog has no plain, well-formed XMP metadata"
        return
    if (file.read_metadata("pdfaid:part"), file.read_metadata("pdfaid:conformance")) != ("3", "A"):
        yield "the metadata do not say PDF/A-3, level A"


def check_marked(file: File) -> Iterator[str]:
    """The file is tagged."""
    if not is_true(file.root.get("/MarkInfo", pikepdf.Dictionary()), "/Marked"):
        yield "the file is not marked as tagged"
    if "/StructTreeRoot" not in file.root or not file.elements:
        yield "the file has no structure tree"


def check_language(file: File) -> Iterator[str]:
    """The language is named."""
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", str(file.root.get("/Lang", ""))):
        yield "the catalog names no language"


def check_attachments(file: File) -> Iterator[str]:
    """Attached files are described."""
    names: Any = (
        file.root.get("/Names", pikepdf.Dictionary()).get("/EmbeddedFiles", pikepdf.Dictionary()).get("/Names", [])
    )
    specs = [names[index] for index in range(1, len(names), 2)]
    associated = {one.objgen for one in file.root.get("/AF", [])}
    for spec in specs:
        if not all(key in spec for key in ("/F", "/UF", "/EF", "/Desc")):
            yield "a file specification lacks /F, /UF, /EF or /Desc"
        if str(spec.get("/AFRelationship")) not in RELATIONSHIPS or spec.objgen not in associated:
            yield "an attached file is not associated with the document"
        content = spec.get("/EF", pikepdf.Dictionary()).get("/F")
        if content is None or "/Subtype" not in content or "/ModDate" not in content.get("/Params", {}):
            yield "an attached file lacks its MIME type or date"


def _optional(file: File) -> Iterator[str]:
    if any(key in file.root for key in ("/OCProperties", "/Requirements", "/Collection")):
        yield "the catalog has optional content, requirements or a collection"
    names = file.root.get("/Names", pikepdf.Dictionary())
    if "/AlternatePresentations" in names or any("/PresSteps" in page.obj for page in file.pdf.pages):
        yield "the file has alternate presentations"


PDF_A_RULES = (
    Rule("A01", "6.1.2", "header at the first octet, then a comment of four octets above 127", _header),
    Rule("A02", "6.1.3", "/ID in every trailer, no encryption, nothing after the last %%EOF", _trailer),
    Rule("A03", "6.1.4", "classic cross-reference sections of the exact form, each offset true", _tables),
    Rule("A04", "6.1.9", "obj and endobj on lines of their own", _objects),
    Rule("A05", "6.1.7.1", "stream keywords and /Length exact", _streams),
    Rule("A06", "6.1.7.2", "no LZW, no Crypt, no external streams", _filters),
    Rule("A07", "6.1.6", "hexadecimal strings of whole octets", _hex_strings),
    Rule("A08", "6.1.13", "implementation limits: names, strings, objects", _limits),
    Rule("A09", "6.2.3", "one output intent GTS_PDFA1 with an RGB profile", _output_intent),
    Rule("A10", "6.2.4.3", "no DeviceCMYK", _colours),
    Rule("A11", "6.2.5, 6.2.10", "no transparency, blend modes, soft masks, transfer functions", _transparency),
    Rule("A12", "6.2.8, 6.2.9", "no PostScript or reference XObjects, alternates, interpolation", _x_objects),
    Rule("A13", "6.2.11", "every font embedded, with ToUnicode; CIDToGIDMap where it applies", check_fonts),
    Rule("A14", "6.3", "annotations print as shown; widgets with an extent have one normal appearance", _annotations),
    Rule("A15", "6.4.1, 6.4.2", "no NeedAppearances, XFA, field or widget actions", _forms),
    Rule("A16", "6.4.3, 6.1.12", "signatures: byte range, one signer, certificate; only DocMDP and UR3", _signatures),
    Rule("A17", "6.5", "no JavaScript, launch or other forbidden actions", _actions),
    Rule("A18", "6.6.2, 6.6.4", "plain XMP metadata with pdfaid part 3, conformance A", _metadata),
    Rule("A19", "6.7.2, 6.7.3", "marked, with a structure tree", check_marked),
    Rule("A20", "6.7.4", "the natural language is named", check_language),
    Rule("A21", "6.8", "attached files associated, described, with type and date", check_attachments),
    Rule("A22", "6.9, 6.10, 6.11", "no optional content, alternate presentations, requirements", _optional),
)
