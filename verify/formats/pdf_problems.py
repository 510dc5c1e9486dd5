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
    "foreign-structure": (
        "Tệp PDF không do chương trình này tạo ra; phần thêm vào sau chữ ký không được xét ({detail}).",
        "The PDF was not written by this program; what was added after a signature is not judged ({detail}).",
    ),
    "active-content": (
        "Tệp PDF có nội dung tự hoạt động hoặc khóa lạ ở danh mục: {detail}.",
        "The PDF's catalog holds active content or unknown entries: {detail}.",
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


def build_problem(code: str, *, detail: str = "", revision: int = 0, field: str = "") -> Problem:
    """Return the problem of that code, its sentence filled in."""
    vietnamese, english = _TEXTS[code]
    values = {"detail": detail, "revision": revision, "field": field}
    return Problem(code, vietnamese.format_map(values), english.format_map(values))
