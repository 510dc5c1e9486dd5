"""What a remote signing service can answer wrongly, as errors of this code base.

A message names the service and the method and says how to mend it.  What the service wrote as `error_description` is
never shown: nobody here knows what it repeats of the request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from transcript_core.errors import KeyUnavailable, SignatureMismatch

_ERROR_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MAX_TEXT: Final = 512 * 1024
"""Characters of one text in an answer; activation data that carries its four thousand hashes has about 240 KiB."""

_BY_STATUS: Final = {
    401: (
        "the service authorisation was not accepted; check the client or account named in the key's URI",
        "dịch vụ không chấp nhận tài khoản hoặc ứng dụng; hãy kiểm tra tên khoá",
    ),
    403: ("the account may not do this; ask the provider", "tài khoản không có quyền; hãy hỏi nhà cung cấp"),
    404: (
        "there is no such method or credential; check the address and the credential in the key's URI",
        "không có chứng thư số hoặc chức năng này; hãy kiểm tra tên khoá",
    ),
    429: ("too many requests; continue the batch later", "dịch vụ đang quá tải; hãy ký tiếp sau"),
    503: ("the service is overloaded or down; continue the batch later", "dịch vụ đang quá tải; hãy ký tiếp sau"),
}
_WRONG_FACTOR: Final = (
    "PIN or one-time code was not accepted; another wrong one may lock the credential",
    "mã PIN hoặc mã OTP không đúng; nhập sai thêm có thể bị khoá chứng thư số",
)
_BY_ERROR: Final = {
    "invalid_otp": _WRONG_FACTOR,
    "invalid_pin": _WRONG_FACTOR,
    "invalid_authentication_data": _WRONG_FACTOR,
    "authentication_error": ("user name or password was not accepted", "tên hoặc mật khẩu không đúng"),
    "invalid_client": ("the client's name or secret was not accepted", "ứng dụng hoặc khoá bí mật không đúng"),
    "invalid_grant": ("the login is used up or expired; log in again", "phiên đăng nhập đã hết; hãy đăng nhập lại"),
    "access_denied": ("the approval was denied; sign again and approve it", "yêu cầu ký bị từ chối; hãy ký lại"),
}
_OTHER: Final = ("see the provider's documentation", "hãy hỏi nhà cung cấp")


class RemoteRefusal(KeyUnavailable):
    """The service answered a request with an error of HTTP.  Nothing was signed by that request."""

    def __init__(self, host: str, method: str, status: int, answer: Mapping[str, Any]) -> None:
        error = answer.get("error")
        self.error = error if isinstance(error, str) and _ERROR_CODE.fullmatch(error) else ""
        self.status = status
        self.says_expired = _says_expired(answer)
        english, vietnamese = _BY_ERROR.get(self.error) or _BY_STATUS.get(status) or _OTHER
        shown = f"{status} {self.error}".rstrip()
        super().__init__(
            f"{host}: {method} was refused ({shown}): {english}",
            text_vi=f"Dịch vụ ký số {host} từ chối ({shown}): {vietnamese}.",
        )

    def __reduce__(self) -> tuple[type[KeyUnavailable], tuple[str]]:
        """Travel between processes as what it says."""
        return KeyUnavailable, (str(self),)


def _says_expired(answer: Mapping[str, Any]) -> bool:
    """Return whether the answer says that activation data or a token came to its end (CSC API 2.0, 11.10)."""
    said = " ".join(str(answer.get(name, "")) for name in ("error", "error_description")).casefold()
    return "expired" in said and "certificate" not in said and "credential" not in said


def one_line(text: str) -> str:
    """Return a text of the service as one short line without control characters, for a terminal."""
    return "".join(char if char.isprintable() else " " for char in text[:200]).strip()


class Reader:
    """Reads the members of one answer; a missing or wrong one is said with its name.

    Args:
        where: "host: method", the beginning of every message.
    """

    __slots__ = ("_body", "_where")

    def __init__(self, where: str, body: Mapping[str, Any]) -> None:
        self._where = where
        self._body = body

    def fail(self, what: str) -> KeyUnavailable:
        """Return the error that says what is wrong with this answer."""
        return KeyUnavailable(f"{self._where}: {what}")

    def refuse(self, what: str) -> SignatureMismatch:
        """Return the error that says why the values of this answer are of no use; the service itself is still there."""
        return SignatureMismatch(f"{self._where}: {what}")

    def count_items(self, name: str) -> int:
        """Return how many items a list has, whatever they are; 0 when it is absent or no list."""
        value = self._body.get(name)
        return len(value) if isinstance(value, list) else 0

    def find_text(self, name: str) -> str | None:
        """Return a text, or None when it is absent, null or empty.  Raises: KeyUnavailable."""
        value = self._body.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise self.fail(f"the answer's {name} is no usable text")
        return value

    def get_text(self, name: str) -> str:
        """Return a text that must be there.  Raises: KeyUnavailable."""
        value = self.find_text(name)
        if value is None:
            raise self.fail(f"the answer has no {name}")
        return value

    def list_texts(self, name: str, *, at_most: int) -> list[str]:
        """Return a list of texts, empty when it is absent.  Raises: KeyUnavailable: other things in it, or too many."""
        value = self._body.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > at_most or not all(isinstance(one, str) for one in value):
            raise self.fail(f"the answer's {name} is no list of at most {at_most} texts")
        return value

    def find_number(self, name: str, *, at_least: int) -> int | None:
        """Return a whole number, or None when it is absent.  Raises: KeyUnavailable."""
        value = self._body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise self.fail(f"the answer's {name} is no whole number from {at_least} on")
        return value

    def is_true(self, name: str) -> bool:
        """Return whether a flag is set; absent means no.  Raises: KeyUnavailable."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            raise self.fail(f"the answer's {name} is neither true nor false")
        return value

    def get_part(self, name: str) -> Reader:
        """Return a reader of an object inside, of an empty one when it is absent.  Raises: KeyUnavailable."""
        value = self._body.get(name)
        if value is None:
            return Reader(self._where, {})
        if not isinstance(value, dict):
            raise self.fail(f"the answer's {name} is no object")
        return Reader(self._where, value)

    def list_parts(self, name: str, *, at_most: int) -> list[Reader]:
        """Return readers of the objects of a list, none when it is absent.  Raises: KeyUnavailable."""
        value = self._body.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > at_most or not all(isinstance(one, dict) for one in value):
            raise self.fail(f"the answer's {name} is no list of at most {at_most} objects")
        return [Reader(self._where, one) for one in value]
