"""Libraries of tokens, each loaded and initialised once a process.  Spec: PKCS #11 2.40, 5.4.

Rules that follow from Cryptoki being state of the whole process:

- A library is initialised when the first signer needs it and finalised when the last one lets go, so that tokens put in
  meanwhile are seen at the next opening.
- It is asked to lock with the operating system's means (CKF_OS_LOCKING_OK), so that several sessions can sign at the
  same time.  python-pkcs11 itself asks for none, which forbids a second thread.  A library that cannot lock is used by
  one thread at a time.
- A forked child must not touch what its parent initialised (5.4, and the login would be inherited): it is refused.
- Loading a library runs its code: a path must come from the person or the settings of this machine, never from a
  document or the network.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkcs11 import _pkcs11
from pkcs11.exceptions import PKCS11Error

from signing.keystores.pkcs11 import troubles
from transcript_core.errors import KeyUnavailable

if TYPE_CHECKING:
    from signing.keystores.pkcs11.logins import Login

_FOLDERS: Final = (
    Path("/usr/lib/x86_64-linux-gnu/pkcs11"),
    Path("/usr/lib/aarch64-linux-gnu/pkcs11"),
    Path("/usr/lib/pkcs11"),
    Path("/usr/lib64/pkcs11"),
    Path("/usr/lib/x86_64-linux-gnu/softhsm"),
    Path("/usr/lib/aarch64-linux-gnu/softhsm"),
    Path("/usr/lib/softhsm"),
    Path("/usr/lib64/softhsm"),
    Path("/usr/lib/x86_64-linux-gnu"),
    Path("/usr/lib/aarch64-linux-gnu"),
    Path("/usr/lib64"),
    Path("/usr/lib"),
    Path("/usr/local/lib/pkcs11"),
    Path("/usr/local/lib/softhsm"),
    Path("/usr/local/lib"),
    Path("/opt/homebrew/lib/pkcs11"),
    Path("/opt/homebrew/lib/softhsm"),
)
"""Where `module-name` is looked for, in this order."""

_DEFAULT_NAME: Final = "p11-kit-proxy"  # the system's collection of configured libraries, when there is one
_CKR_OK: Final = 0x00
_CKR_ALREADY_INITIALIZED: Final = 0x191
_CANNOT_LOCK: Final = frozenset({0x07, 0x09, 0x0A})  # ARGUMENTS_BAD, NEED_TO_CREATE_THREADS, CANT_LOCK
_CKF_OS_LOCKING_OK: Final = 0x02


class _InitializeArguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS."""

    _fields_ = (
        ("create_mutex", ctypes.c_void_p),
        ("destroy_mutex", ctypes.c_void_p),
        ("lock_mutex", ctypes.c_void_p),
        ("unlock_mutex", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


_Call = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)


class _FunctionList(ctypes.Structure):
    """The beginning of CK_FUNCTION_LIST."""

    _fields_ = (
        ("major", ctypes.c_ubyte),
        ("minor", ctypes.c_ubyte),
        ("initialize", _Call),
        ("finalize", _Call),
    )


class _Library(_pkcs11.lib):
    """A python-pkcs11 library that is initialised for several threads where it can be."""

    def initialize(self) -> None:
        """Call C_Initialize with CKF_OS_LOCKING_OK, or without threads when the library cannot lock."""
        self.functions = _find_functions(self.so)
        self.is_parallel = True
        arguments = _InitializeArguments(flags=_CKF_OS_LOCKING_OK)
        answer = self.functions.initialize(ctypes.addressof(arguments))
        if answer in _CANNOT_LOCK:
            self.is_parallel = False
            answer = self.functions.initialize(None)
        self.is_ours = answer != _CKR_ALREADY_INITIALIZED
        if not self.is_ours:
            self.is_parallel = False  # whoever initialised it may not have asked for locks
        elif answer != _CKR_OK:
            raise PKCS11Error(f"C_Initialize answered 0x{answer:x}")

    def finalize(self) -> None:
        """Call C_Finalize, which ends every session and login; not when another part of the process initialised it."""
        if self.is_ours:
            self.functions.finalize(None)


def _find_functions(path: str) -> _FunctionList:
    get_list = ctypes.CDLL(path).C_GetFunctionList
    get_list.restype = ctypes.c_ulong
    found = ctypes.POINTER(_FunctionList)()
    if get_list(ctypes.byref(found)) != _CKR_OK or not found:
        raise PKCS11Error("C_GetFunctionList gave none")
    return found.contents


class Module:
    """One initialised library, shared by every signer of this process that uses it."""

    def __init__(self, path: Path) -> None:
        """Load and initialise the library.

        Raises:
            KeyUnavailable: it cannot be loaded, is no PKCS#11 library, or does not start.
        """
        self.path = path
        self.process_id = os.getpid()
        self.users = 0
        self.lock = threading.RLock()
        self.logins: dict[int, Login] = {}  # slot id → login
        try:
            self.library = _Library(str(path))
        except (OSError, AttributeError, PKCS11Error) as error:
            raise KeyUnavailable(
                f"the token's library {path} cannot be loaded; name another with module-path in the URI "
                "or in HOCBA_PKCS11_MODULE",
                text_vi=f"Không nạp được thư viện của thẻ {path}; hãy chỉ ra thư viện khác bằng module-path trong URI "
                "hoặc biến HOCBA_PKCS11_MODULE.",
            ) from error

    @property
    def is_parallel(self) -> bool:
        """Return whether several threads may call the library at the same time."""
        return bool(self.library.is_parallel)

    def exclusive(self) -> AbstractContextManager[object]:
        """Return what to hold while signing: nothing, or the lock of a library that takes one thread at a time."""
        return nullcontext() if self.is_parallel else self.lock

    def is_own_process(self) -> bool:
        """Return whether this is the process that initialised the library, not one forked from it."""
        return os.getpid() == self.process_id

    def check_process(self) -> None:
        """Refuse to be used in a forked child.

        Raises:
            KeyUnavailable: this is another process than the one that initialised the library.
        """
        if not self.is_own_process():
            raise troubles.refuse(troubles.OTHER_PROCESS)

    def release(self) -> None:
        """Let go of the library; the last one finalises it."""
        with _REGISTRY_LOCK:
            self.users -= 1
            if self.users == 0 and self.is_own_process():
                _MODULES.pop(self.path, None)
                self.library.finalize()


_REGISTRY_LOCK = threading.Lock()
_MODULES: dict[Path, Module] = {}


def acquire_module(path: Path) -> Module:
    """Return the module of a library file, initialised; every call needs one `release`.

    Raises:
        KeyUnavailable: it cannot be loaded, or this process was forked from one that uses it.
    """
    resolved = path.resolve()
    with _REGISTRY_LOCK:
        module = _MODULES.get(resolved)
        if module is None:
            module = _MODULES[resolved] = Module(resolved)
        module.check_process()
        module.users += 1
        return module


def find_module(*, path: Path | None, name: str | None, default: Path | None) -> Path:
    """Return the library file that a URI names (RFC 7512, 2.4), or the default.

    Args:
        path: `module-path`, a library, or with `name` a folder of libraries.
        name: `module-name`, without folder, "lib" and ending.
        default: of the installation, when the URI names none; None: p11-kit's proxy, if there is one.

    Raises:
        KeyUnavailable: there is no such file, or none was named.
    """
    if path is not None and not path.is_dir():
        return _get_file(path)
    if path is not None and name is None:
        raise KeyUnavailable("the pkcs11: URI's module-path is a folder; name the library in it with module-name")
    if path is None and name is None and default is not None:
        return _get_file(default)
    wanted = name or _DEFAULT_NAME
    for folder in (path,) if path is not None else _FOLDERS:
        for file in (f"{wanted}.so", f"lib{wanted}.so", f"{wanted}.dylib", f"lib{wanted}.dylib"):
            if (folder / file).is_file():
                return folder / file
    raise KeyUnavailable(
        f"there is no PKCS#11 library {wanted}; name the token's library with module-path in the URI "
        "or in HOCBA_PKCS11_MODULE",
        text_vi=f"Không tìm thấy thư viện PKCS#11 {wanted}; hãy chỉ ra thư viện của thẻ bằng module-path trong URI "
        "hoặc biến HOCBA_PKCS11_MODULE.",
    )


def _get_file(path: Path) -> Path:
    if not path.is_file():
        raise KeyUnavailable(
            f"there is no PKCS#11 library {path}; install the token's driver or correct the path",
            text_vi=f"Không có thư viện PKCS#11 {path}; hãy cài trình điều khiển của thẻ hoặc sửa đường dẫn.",
        )
    return path


@atexit.register
def _finalize_all() -> None:
    """Log out of every token when the process ends, also where a signer was not closed."""
    for module in list(_MODULES.values()):
        if module.is_own_process():
            module.library.finalize()
    _MODULES.clear()
