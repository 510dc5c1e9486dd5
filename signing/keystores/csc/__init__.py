"""Keys at a remote signing service, by the API of the Cloud Signature Consortium, 1.0.4 and 2.0.

`settings` reads a key's URI; `transport` speaks HTTP; `service` and `credential` read what a service says of itself;
`tokens` and `oauth` hold the service's authorisation; `authorization` obtains approvals, `values` signatures under
them; `signer` puts lists through all that.  What is supported: `docs/remote-signing.md`.
"""

from signing.keystores.csc.opening import open_csc
from signing.keystores.csc.signer import CscSigner

__all__ = ["CscSigner", "open_csc"]
