"""Readers, one a signature format: what a file says, without any opinion on whether to believe it."""
