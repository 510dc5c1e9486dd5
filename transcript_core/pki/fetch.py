"""How network access comes into code that opens no sockets: as a function handed in."""

from __future__ import annotations

from typing import Protocol


class Fetch(Protocol):
    """Makes one HTTP request.  `signing.http` has the real one, the development PKI one without sockets."""

    def __call__(
        self, url: str, *, body: bytes | None = None, content_type: str | None = None, max_bytes: int
    ) -> bytes:
        """Return the body of a successful answer; GET without `body`, POST with it.

        Args:
            url: http or https.
            body: what is sent.
            content_type: of `body`.
            max_bytes: longest answer that is accepted.

        Raises:
            EvidenceUnavailable: no answer, an answer other than 200, or one longer than `max_bytes`.
        """
        ...
