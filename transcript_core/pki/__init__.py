"""Certificates, algorithms, trust anchors, paths, revocation and timestamps: what signing and verifying both need.

Nothing here opens a socket or a file other than the trust folder; bytes and a moment come in, values go out.
"""
