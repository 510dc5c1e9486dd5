"""Where keys live: one module for each kind of holder, all of them a `signing.signer.Signer`."""
