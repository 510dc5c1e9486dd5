"""What went wrong at a token, in words: one sentence for each kind of trouble, English and Vietnamese.

The library's exceptions stop here.  No sentence holds a PIN, a label or a name of a person; tokens and keys are named
by serial number and CKA_ID.
"""

from __future__ import annotations

from typing import Final

from pkcs11 import exceptions as cryptoki

from transcript_core.errors import KeyUnavailable

Sentences = tuple[str, str]  # English, Vietnamese

LOGIN_LOST: Final = (
    cryptoki.SessionHandleInvalid,
    cryptoki.SessionClosed,
    cryptoki.UserNotLoggedIn,
    cryptoki.ObjectHandleInvalid,
    cryptoki.KeyHandleInvalid,
)
"""The session or the login ended; whether the token itself is still there has to be looked up.  Other errors may mean
the same: see `Connection.is_login_lost`."""

TOKEN_GONE: Final = (
    cryptoki.DeviceRemoved,
    cryptoki.TokenNotPresent,
    cryptoki.TokenNotRecognised,
    cryptoki.SlotIDInvalid,
)
"""The token is not in its slot."""

PULLED: Final[Sentences] = (
    "the token was taken out or stopped answering; put it in and open the key again, what was finished is kept",
    "Thẻ đã bị rút hoặc ngừng trả lời; hãy cắm lại và mở lại khoá, phần đã ký xong vẫn được giữ.",
)
LOST_AGAIN: Final[Sentences] = (
    "the token's session was lost again right after a new login; open the key again, what was finished is kept",
    "Phiên làm việc với thẻ lại bị mất ngay sau khi đăng nhập lại; hãy mở lại khoá, phần đã ký xong vẫn được giữ.",
)
LOGIN_NOT_RENEWED: Final[Sentences] = (
    "the login at the token was lost and not renewed; open the key again, what was finished is kept",
    "Đã mất đăng nhập vào thẻ và chưa đăng nhập lại được; hãy mở lại khoá, phần đã ký xong vẫn được giữ.",
)
EMPTY_PIN: Final[Sentences] = (
    "the PIN is empty; nothing was sent to the token",
    "PIN trống; chưa gửi gì tới thẻ.",
)
LOCKED: Final[Sentences] = (
    "the token's PIN is locked after too many wrong ones; whoever issued the token can unlock it",
    "PIN của thẻ đã bị khoá do nhập sai quá số lần cho phép; hãy liên hệ nơi cấp thẻ để mở khoá.",
)
NO_PIN_SET: Final[Sentences] = (
    "the token has no user PIN yet; set one with the tool of whoever issued it",
    "Thẻ chưa được đặt PIN người dùng; hãy đặt PIN bằng công cụ của nơi cấp thẻ.",
)
ABSENT: Final[Sentences] = (
    "no token fits the URI; put it in, and compare the URI with the token's label and serial number",
    "Không có thẻ nào khớp với URI; hãy cắm thẻ và đối chiếu nhãn, số sê-ri của thẻ với URI.",
)
NO_KEY: Final[Sentences] = (
    "the token holds no private key that fits the URI and may sign; compare the URI's object and id",
    "Thẻ không có khoá bí mật nào khớp với URI và được phép ký; hãy đối chiếu object và id trong URI.",
)
NO_CERTIFICATE: Final[Sentences] = (
    "the token holds no certificate for this key; name its PEM file with hocba-certificate in the URI",
    "Thẻ không có chứng thư của khoá này; hãy chỉ ra tệp PEM bằng hocba-certificate trong URI.",
)
MISMATCH: Final[Sentences] = (
    "the private key on the token and the certificate do not belong together",
    "Khoá bí mật trên thẻ và chứng thư không thuộc về nhau.",
)
OTHER_CERTIFICATE: Final[Sentences] = (
    "the token now holds another certificate than before; prepare the documents anew with a newly opened key",
    "Chứng thư trên thẻ không còn là chứng thư trước đó; hãy mở lại khoá và chuẩn bị lại các học bạ.",
)
WRONG_LENGTH: Final[Sentences] = (
    "the token answered a signature of the wrong length; no value was kept",
    "Thẻ trả về chữ ký sai độ dài; không giá trị nào được giữ lại.",
)
CLOSED: Final[Sentences] = (
    "this signer is closed; open the key again",
    "Khoá đã được đóng; hãy mở lại khoá.",
)
OTHER_PROCESS: Final[Sentences] = (
    "a token opened in one process cannot be used in one forked from it; start the process anew and open the key there",
    "Thẻ mở ở tiến trình này không dùng được ở tiến trình rẽ nhánh; hãy khởi động tiến trình mới và mở khoá ở đó.",
)
PAD_FOR_EACH: Final[Sentences] = (
    "the key wants its PIN typed at the token's own keypad for every signature, which a list of documents cannot do",
    "Khoá đòi nhập PIN trên bàn phím của thẻ cho từng chữ ký nên không thể ký cả danh sách.",
)

_PIN_SENTENCES: Final[dict[type[cryptoki.PKCS11Error], Sentences]] = {
    cryptoki.PinIncorrect: (
        "the PIN is wrong; it was tried once and will not be tried again by itself, since wrong PINs lock the token",
        "PIN sai; chương trình chỉ thử một lần và không tự thử lại vì nhập sai nhiều lần sẽ khoá thẻ.",
    ),
    cryptoki.PinLocked: LOCKED,
    cryptoki.PinLenRange: (
        "the PIN is too short or too long for this token; it was tried once and will not be tried again by itself",
        "PIN quá ngắn hoặc quá dài đối với thẻ này; chương trình chỉ thử một lần và không tự thử lại.",
    ),
    cryptoki.PinInvalid: (
        "the PIN holds characters that this token does not take; it was tried once and not again",
        "PIN có ký tự mà thẻ không nhận; chương trình chỉ thử một lần.",
    ),
    cryptoki.PinExpired: (
        "the token's PIN has expired; change it with the tool of whoever issued the token",
        "PIN của thẻ đã hết hạn; hãy đổi PIN bằng công cụ của nơi cấp thẻ.",
    ),
    cryptoki.UserPinNotInitialized: NO_PIN_SET,
    cryptoki.AnotherUserAlreadyLoggedIn: (
        "somebody else, such as the security officer, is logged in at the token; end that first",
        "Đang có người dùng khác (chẳng hạn quản trị thẻ) đăng nhập vào thẻ; hãy kết thúc phiên đó trước.",
    ),
    cryptoki.SessionCount: (
        "the token allows no further session; close other programs that use it",
        "Thẻ không cho mở thêm phiên làm việc; hãy đóng các chương trình khác đang dùng thẻ.",
    ),
}


def refuse(sentences: Sentences, detail: str = "") -> KeyUnavailable:
    """Return the error for a known trouble; `detail` is put in front: a serial number, a path."""
    english, vietnamese = sentences
    if not detail:
        return KeyUnavailable(english, text_vi=vietnamese)
    return KeyUnavailable(f"{detail}: {english}", text_vi=f"{detail}: {vietnamese}")


def has_sentence(error: cryptoki.PKCS11Error) -> bool:
    """Return whether the error says by itself what is wrong: no token, a PIN, another user, too many sessions."""
    return isinstance(error, TOKEN_GONE) or type(error) in _PIN_SENTENCES


def explain(error: cryptoki.PKCS11Error, doing: str = "") -> KeyUnavailable:
    """Return the error for what the library raised.

    Args:
        doing: what was tried, an English phrase, for troubles that have no sentence of their own.
    """
    if isinstance(error, TOKEN_GONE):
        return refuse(PULLED)
    known = _PIN_SENTENCES.get(type(error))
    if known is not None:
        return refuse(known)
    what = doing or "use it"
    return KeyUnavailable(
        f"the token refused to {what} ({type(error).__name__}); what was finished is kept",
        text_vi=f"Thẻ báo lỗi ({type(error).__name__}); phần đã ký xong vẫn được giữ.",
    )
