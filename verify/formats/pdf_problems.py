"""What can be wrong with a signed PDF, each with its stable code and its sentence in Vietnamese and English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, in words for people."""

    code: str  # stable, a key of the table below
    text_vi: str
    text_en: str


_TEXTS: Final[dict[str, tuple[str, str]]] = {
    # the file
    "unreadable": (
        "Không đọc được tệp PDF: {detail}.",
        "The PDF cannot be read: {detail}.",
    ),
    "no-signature": (
        "Tệp PDF không có chữ ký nào.",
        "The PDF holds no signature.",
    ),
    "too-large": (
        "Tệp PDF vượt giới hạn cho phép: {detail}.",
        "The PDF exceeds a limit: {detail}.",
    ),
    "active-content": (
        "Tệp PDF có nội dung tự hoạt động, che khuất hoặc đính kèm ngoài học bạ: {detail}.",
        "The PDF holds what acts by itself, covers the pages or is attached beside the transcript: {detail}.",
    ),
    "unknown-entries": (
        "Tệp PDF có thành phần mà phiên bản phần mềm này không biết: {detail}.",
        "The PDF holds entries that this release of the software does not know: {detail}.",
    ),
    # revisions
    "revision-structure": (
        "Phần nối thêm sau bản sửa đổi {revision} có cấu trúc bất thường: {detail}.",
        "What follows revision {revision} has an irregular structure: {detail}.",
    ),
    "revision-content": (
        "Bản sửa đổi {revision} thay đổi nội dung ngoài việc ký: {detail}.",
        "Revision {revision} changes more than signing does: {detail}.",
    ),
    "field-changed": (
        "Bản sửa đổi {revision} thay đổi ô chữ ký {field}: {detail}.",
        "Revision {revision} alters the signature field {field}: {detail}.",
    ),
    "field-signed-twice": (
        "Bản sửa đổi {revision} ghi đè chữ ký hoặc hình hiển thị đã có của ô {field}.",
        "Revision {revision} overrides the signature or the appearance that field {field} already had.",
    ),
    "appearance": (
        "Hình hiển thị chữ ký trong bản sửa đổi {revision} không đúng khuôn dạng: {detail}.",
        "The appearance written in revision {revision} is not of the permitted form: {detail}.",
    ),
    "signature-dictionary": (
        "Từ điển chữ ký trong bản sửa đổi {revision} không đúng khuôn dạng: {detail}.",
        "The signature dictionary written in revision {revision} is not of the permitted form: {detail}.",
    ),
    "store": (
        "Kho chứng cứ (DSS) trong bản sửa đổi {revision} không đúng khuôn dạng: {detail}.",
        "The document security store written in revision {revision} is not of the permitted form: {detail}.",
    ),
    "document-timestamp": (
        "Dấu thời gian của tệp trong bản sửa đổi {revision} không đúng khuôn dạng: {detail}.",
        "The document timestamp written in revision {revision} is not of the permitted form: {detail}.",
    ),
    "timestamp-before-seal": (
        "Bản sửa đổi {revision} đóng dấu thời gian lên tệp trước khi con dấu khóa tệp.",
        "Revision {revision} puts a document timestamp on the file before the seal has closed it.",
    ),
    "after-lock": (
        "Bản sửa đổi {revision} ký thêm sau khi con dấu đã khóa tệp.",
        "Revision {revision} signs after the seal has closed the file.",
    ),
    "attachment": (
        "Tệp dữ liệu đính kèm không đọc được hoặc không phải duy nhất: {detail}.",
        "The attached data file cannot be read or is not the only one: {detail}.",
    ),
    # what a stranger's file shows after its first signature
    "later-removed": (
        "Bản sửa đổi {revision} xóa đối tượng đã có khi ký.",
        "Revision {revision} removes objects that were there when it was signed.",
    ),
    "later-catalog": (
        "Bản sửa đổi {revision} thay đổi danh mục của tệp sau khi ký: {detail}.",
        "Revision {revision} changes the catalog after signing: {detail}.",
    ),
    "later-metadata": (
        "Bản sửa đổi {revision} thay đổi thông tin mô tả của tệp sau khi ký.",
        "Revision {revision} changes the description of the file after signing.",
    ),
    "later-form": (
        "Bản sửa đổi {revision} thay đổi biểu mẫu sau khi ký: {detail}.",
        "Revision {revision} changes the form after signing: {detail}.",
    ),
    "later-field": (
        "Bản sửa đổi {revision} thêm hoặc thay đổi ô biểu mẫu sau khi ký: {detail}.",
        "Revision {revision} adds or changes form fields after signing: {detail}.",
    ),
    "later-value": (
        "Bản sửa đổi {revision} điền hoặc thay giá trị ô biểu mẫu sau khi ký: {detail}.",
        "Revision {revision} fills in or changes a form value after signing: {detail}.",
    ),
    "later-locked": (
        "Bản sửa đổi {revision} ký vào ô {detail} mà chữ ký trước đã khóa.",
        "Revision {revision} signs the field {detail}, which an earlier signature has closed.",
    ),
    "later-store": (
        "Bản sửa đổi {revision} ghi kho chứng cứ (DSS) không đúng khuôn dạng.",
        "Revision {revision} writes a document security store that is not well formed.",
    ),
    "later-store-removed": (
        "Bản sửa đổi {revision} bỏ bớt chứng cứ trong kho chứng cứ (DSS) đã được ký.",
        "Revision {revision} removes evidence from the document security store that was signed.",
    ),
    "later-annotation": (
        "Bản sửa đổi {revision} thêm hoặc thay đổi chú thích trên trang sau khi ký: {detail}.",
        "Revision {revision} adds or changes annotations on a page after signing: {detail}.",
    ),
    "later-page": (
        "Bản sửa đổi {revision} thay đổi trang sau khi ký: {detail}.",
        "Revision {revision} changes pages after signing: {detail}.",
    ),
    "later-appearance": (
        "Bản sửa đổi {revision} thay hình hiển thị đã có khi ký: đối tượng {detail}.",
        "Revision {revision} replaces an appearance that was there when it was signed: object {detail}.",
    ),
    "later-object": (
        "Bản sửa đổi {revision} thay đổi nội dung đã ký: đối tượng {detail}.",
        "Revision {revision} changes what was signed: object {detail}.",
    ),
    "not-compared": (
        "Không so sánh được những gì đã thêm vào tệp PDF sau chữ ký: {detail}.",
        "What was added to the PDF after a signature could not be compared: {detail}.",
    ),
    "hidden-objects": (
        "Tệp PDF có đối tượng ngoài bảng tham chiếu hoặc sai chỗ; mỗi chương trình có thể hiển thị một khác: {detail}.",
        "The PDF holds objects outside its tables or in wrong places; viewers may show different things: {detail}.",
    ),
    "repaired": (
        "Cấu trúc tệp PDF bị hỏng; mỗi chương trình có thể sửa và hiển thị một cách khác nhau.",
        "The structure of the PDF is damaged; programs may repair and show it in different ways.",
    ),
    "encrypted": (
        "Tệp PDF được mã hóa; phần thêm vào sau chữ ký không được xét.",
        "The PDF is encrypted; what was added after a signature is not judged.",
    ),
    "trailing-octets": (
        "Sau phần cuối của tệp PDF còn dữ liệu không thuộc tệp.",
        "Octets that do not belong to the PDF stand behind its end.",
    ),
    "not-covered": (
        "Chữ ký {field} không phủ hết phần tệp của nó; phần còn lại có thể bị thêm hoặc sửa sau khi ký.",
        "The signature {field} leaves out some of its part of the file, which may have been added or changed since.",
    ),
    "hidden-in-gap": (
        "Trong phần mà chữ ký không phủ có nội dung khác ngoài chữ ký.",
        "Content other than the signature stands in the part that the signature leaves out.",
    ),
    # one signature
    "byte-range": (
        "Chữ ký không phủ đúng phần tệp của nó: {detail}.",
        "The signature does not cover exactly its part of the file: {detail}.",
    ),
    "cms": (
        "Dữ liệu chữ ký (CMS) không đúng khuôn dạng: {detail}.",
        "The signature data (CMS) is not well formed: {detail}.",
    ),
    "algorithm": (
        "Thuật toán ký không được chấp nhận hoặc không khớp nhau: {detail}.",
        "The signature algorithm is not accepted, or its parts disagree: {detail}.",
    ),
    "signing-certificate": (
        "Chữ ký không xác định đúng chứng thư của người ký: {detail}.",
        "The signature does not identify its signing certificate: {detail}.",
    ),
    "digest": (
        "Nội dung tệp đã thay đổi sau khi ký.",
        "The content of the file was changed after signing.",
    ),
    "value": (
        "Giá trị chữ ký không khớp với chứng thư.",
        "The signature value does not match the certificate.",
    ),
    "token": (
        "Dấu thời gian không đọc được hoặc không đúng khuôn dạng: {detail}.",
        "The timestamp cannot be read or is not well formed: {detail}.",
    ),
    "imprint": (
        "Dấu thời gian được cấp cho nội dung khác với phần tệp mà nó phủ.",
        "The timestamp was given for other content than the part of the file that it covers.",
    ),
    "unusual": (
        "Chữ ký có điểm khác thường, không được chấp nhận như chữ ký đúng quy cách: {detail}.",
        "The signature has something unusual and is not taken for a regular one: {detail}.",
    ),
    "weak-algorithm": (
        "Thuật toán hoặc khóa đã lỗi thời, không còn an toàn.",
        "An outdated, unsafe algorithm or key.",
    ),
    "key-mismatch": (
        "Thuật toán ký không khớp với loại khóa của chứng thư.",
        "The signature algorithm does not fit the certificate's key.",
    ),
    "not-supported": (
        "Loại chữ ký này chưa được kiểm tra ở đây: {detail}.",
        "This kind of signature is not judged here: {detail}.",
    ),
}

CODES: Final = frozenset(_TEXTS)
"""Every problem that there is."""


def build_problem(code: str, *, detail: str = "", revision: int = 0, field: str = "") -> Problem:
    """Return the problem of that code, its sentence filled in."""
    vietnamese, english = _TEXTS[code]
    values = {"detail": detail, "revision": revision, "field": field}
    return Problem(code, vietnamese.format_map(values), english.format_map(values))
