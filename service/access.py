"""Who may write over HTTP: whoever holds the clerk's token.  Without a configured token nobody may."""

from __future__ import annotations

import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, Header

from service.context import ContextDep
from service.problems import Forbidden


def _require_clerk(context: ContextDep, authorization: Annotated[str, Header()] = "") -> str:
    expected = context.workspace.settings.clerk_token_sha256
    scheme, _, token = authorization.partition(" ")
    given = hashlib.sha256(token.strip().encode()).hexdigest()
    if expected is None or scheme.lower() != "bearer" or not hmac.compare_digest(given, expected.lower()):
        raise Forbidden("this needs the clerk's token (Authorization: Bearer …)")
    return "clerk-token"


ClerkDep = Annotated[str, Depends(_require_clerk)]
