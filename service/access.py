"""Who may write over HTTP: whoever holds the clerk's token.  Without a configured token nobody may."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Header

from service.context import ContextDep
from service.problems import Forbidden, Unauthorized


def _require_clerk(context: ContextDep, authorization: Annotated[str, Header()] = "") -> str:
    """Return the actor for the audit trail.

    Raises:
        Forbidden: this installation has no clerk's token.
        Unauthorized: the request carries none, or another one.
    """
    expected = context.workspace.settings.clerk_token_sha256
    if expected is None:
        raise Forbidden("this installation records nothing over HTTP; set HOCBA_CLERK_TOKEN_SHA256")
    scheme, _, token = authorization.partition(" ")
    given = hashlib.sha256(token.strip().encode()).hexdigest()
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), expected.strip().lower().encode()):
        raise Unauthorized("this needs the clerk's token (Authorization: Bearer …)")
    return "clerk-token"


ClerkDep = Annotated[str, Depends(_require_clerk)]
