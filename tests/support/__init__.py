"""Helpers for tests: sample documents and people."""
