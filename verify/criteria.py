"""The nine criteria of TT 15/2025/TT-BKHCN, Annex II, in the words of the report.

The text was read in an unnumbered version; the numbers in the signed text may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from verify.report import Criterion

CRITERIA: Final[Mapping[Criterion, tuple[str, str]]] = {
    Criterion.CERTIFICATE_IN_DATE: (
        "Chứng thư chữ ký số còn hiệu lực tại thời điểm ký",
        "The certificate was in date when it was signed",
    ),
    Criterion.NOT_REVOKED: (
        "Chứng thư chữ ký số không bị thu hồi tại thời điểm ký (CRL hoặc OCSP)",
        "The certificate was not revoked when it was signed (CRL or OCSP)",
    ),
    Criterion.ALGORITHMS: ("Thuật toán ký và hàm băm được phép sử dụng", "Signature and hash algorithms are allowed"),
    Criterion.PURPOSE: (
        "Chứng thư chữ ký số đúng mục đích và phạm vi sử dụng",
        "The certificate was used for its purpose and within its scope",
    ),
    Criterion.CA_STATEMENTS: (
        "Các tuyên bố khác của tổ chức cấp chứng thư (khuyến nghị)",
        "Other statements of the certification authority (recommended)",
    ),
    Criterion.SIGNER_IDENTIFIED: ("Xác định được người ký", "The signer is identified"),
    Criterion.MATCHING_KEY: (
        "Chữ ký được tạo bằng khóa tương ứng với chứng thư",
        "The signature was made with the key that matches the certificate",
    ),
    Criterion.CERTIFICATE_VALID: (
        "Chứng thư kèm theo có giá trị tại thời điểm ký, theo đường dẫn tin cậy",
        "The attached certificate was valid when it was signed, along a trusted path",
    ),
    Criterion.HASHES_EQUAL: (
        "Nội dung không bị thay đổi: giá trị băm trùng khớp",
        "The content was not changed: the hash values are equal",
    ),
}
"""Vietnamese and English, in the order of the annex."""
