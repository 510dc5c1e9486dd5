"""Signing: two-phase XAdES, PAdES and JWS, the keys behind one protocol, timestamps, evidence and who may sign.

Nothing here decides whether a signature is to be believed; that is `verify`.
"""
