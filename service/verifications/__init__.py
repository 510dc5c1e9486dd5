"""Verifying uploaded documents, and the signed events that status is derived from."""
