"""What can be wrong with the form of one signature, each with its sentence for people.

One table for all formats, so that a report says the same thing the same way.  `BROKEN` means that the signature says
something impossible or forbidden; `IMPROPER` that something beside what was signed is not as its standard wants it,
which fails a transcript and leaves any other file indeterminate; `UNREADABLE` that it says too little, or what this
release cannot judge, which never becomes "valid".  In a transcript what is missing fails besides, by
`signature.profile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from verify.report import SubIndication


class Gravity(StrEnum):
    """How bad a problem is."""

    BROKEN = "broken"
    IMPROPER = "improper"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class ProblemText:
    """One problem's meaning."""

    gravity: Gravity
    sub_indication: SubIndication
    text_vi: str
    text_en: str


def _broken(text_vi: str, text_en: str, sub: SubIndication = SubIndication.FORMAT_FAILURE) -> ProblemText:
    return ProblemText(Gravity.BROKEN, sub, text_vi, text_en)


def _improper(text_vi: str, text_en: str, sub: SubIndication = SubIndication.SIG_CONSTRAINTS_FAILURE) -> ProblemText:
    return ProblemText(Gravity.IMPROPER, sub, text_vi, text_en)


def _unreadable(text_vi: str, text_en: str, sub: SubIndication) -> ProblemText:
    return ProblemText(Gravity.UNREADABLE, sub, text_vi, text_en)


class SignatureProblem(Enum):
    """Every problem of form that the readers of this package report."""

    HIDDEN_NODE = _improper(
        "có chú thích hoặc chỉ thị xử lý bên trong chữ ký", "a comment or processing instruction inside the signature"
    )
    WRONG_CHILDREN = _broken(
        "các phần tử bên trong chữ ký thiếu, thừa hoặc bị lặp", "missing, extra or doubled elements in the signature"
    )
    NO_ID = _unreadable("chữ ký không có Id", "the signature has no Id", SubIndication.SIG_CONSTRAINTS_FAILURE)
    NO_REFERENCE = _broken("chữ ký không tham chiếu nội dung nào", "the signature references nothing")
    TOO_MANY_REFERENCES = _broken("chữ ký có quá nhiều tham chiếu", "the signature has too many references")
    BAD_BASE64 = _broken("một giá trị Base64 sai quy cách", "a Base64 value is malformed")
    TARGET_NOT_FOUND = _broken(
        "tham chiếu trỏ đến nội dung không có trong tệp", "a reference points to content that is not in the file"
    )
    AMBIGUOUS_TARGET = _broken(
        "tham chiếu trỏ đến một định danh (Id) đứng ở nhiều chỗ",
        "a reference names an identifier (Id) that stands in several places",
    )
    FOREIGN_URI = _unreadable(
        "tham chiếu trỏ ra ngoài tệp",
        "a reference points outside the file",
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    FORBIDDEN_TRANSFORM = _broken("phép biến đổi bị cấm (XSLT)", "a forbidden transform (XSLT)")
    UNKNOWN_TRANSFORM = _unreadable(
        "phép biến đổi không được hỗ trợ", "a transform that is not supported", SubIndication.SIGNED_DATA_NOT_FOUND
    )
    TOO_MANY_TRANSFORMS = _broken("quá nhiều phép biến đổi", "too many transforms")
    TOO_MUCH_WORK = _improper("bắt tính toán quá nhiều", "more computing than any honest signature asks for")
    WEAK_ALGORITHM = _unreadable(
        "thuật toán hoặc khóa đã lỗi thời, không còn an toàn",
        "an outdated, unsafe algorithm or key",
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    )
    UNKNOWN_ALGORITHM = _unreadable(
        "thuật toán không được hỗ trợ",
        "an algorithm that is not supported",
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    )
    HMAC = _broken(
        "dùng mã xác thực HMAC thay cho chữ ký", "an HMAC in place of a signature", SubIndication.SIG_CRYPTO_FAILURE
    )
    KEY_MISMATCH = _broken(
        "thuật toán ký không khớp với loại khóa của chứng thư",
        "the signature algorithm does not fit the certificate's key",
        SubIndication.SIG_CRYPTO_FAILURE,
    )
    NO_CERTIFICATE = _unreadable(
        "không kèm chứng thư số của người ký",
        "the signer's certificate is not attached",
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    )
    BAD_CERTIFICATE = _unreadable(
        "chứng thư số kèm theo không đọc được",
        "the attached certificate cannot be read",
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    )
    MANY_CERTIFICATES = _improper("kèm quá nhiều chứng thư số", "too many certificates are attached")
    NO_SIGNED_PROPERTIES = _unreadable(
        "không có thuộc tính đã ký (SignedProperties)",
        "there are no signed properties (SignedProperties)",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    MANY_QUALIFYING_PROPERTIES = _improper(
        "có nhiều hơn một bộ thuộc tính chữ ký", "more than one set of qualifying properties"
    )
    WRONG_TARGET = _improper(
        "thuộc tính chữ ký thuộc về chữ ký khác (Target)", "the properties belong to another signature (Target)"
    )
    PROPERTIES_NOT_SIGNED = _broken(
        "thuộc tính chữ ký không được ký đúng một lần", "the properties are not signed exactly once"
    )
    NO_CERTIFICATE_REFERENCE = _unreadable(
        "không có SigningCertificateV2", "SigningCertificateV2 is missing", SubIndication.SIG_CONSTRAINTS_FAILURE
    )
    OTHER_CERTIFICATE = _improper(
        "chứng thư kèm theo không phải chứng thư đã được ký cùng (SigningCertificateV2)",
        "the attached certificate is not the one that was signed along (SigningCertificateV2)",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    BAD_PROPERTY = _improper("một thuộc tính chữ ký sai quy cách", "a signature property is malformed")
    NO_PROPERTIES_TYPE = _unreadable(
        "tham chiếu đến thuộc tính chữ ký không ghi loại (Type)",
        "the reference to the signed properties does not say its Type",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    UNREADABLE_CONTENT = _unreadable(
        "nội dung đã ký không phải XML đọc được",
        "what was signed is not XML that can be read",
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    MANIFEST_ENTRY_NOT_CHECKED = _unreadable(
        "có mục trong bản kê (Manifest) chưa kiểm tra được vì không có tệp",
        "an entry of the manifest was not checked, because its file is not at hand",
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    OTHER_COUNTERSIGNED = _improper(
        "chữ ký xác nhận (CounterSignature) không ký lên giá trị của chữ ký chứa nó",
        "a countersignature does not sign the value of the signature that holds it",
    )
    MANY_SIGNATURES = _unreadable(
        "tệp có nhiều chữ ký hơn mức được đọc, phần còn lại chưa được kiểm tra",
        "the file has more signatures than are read; the others were not checked",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    UNKNOWN_PROPERTY = _unreadable(
        "có thuộc tính chữ ký không được hỗ trợ",
        "a signature property that is not supported",
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )

    @property
    def text(self) -> ProblemText:
        """Return gravity, sub-indication and sentences."""
        return self.value
