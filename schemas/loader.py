"""Reads the files of this package.  Every file is named by kind and version; nothing here interprets them."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources


@cache
def _read(folder: str, name: str) -> bytes:
    return resources.files("schemas").joinpath(folder, name).read_bytes()


@cache
def list_policy_files() -> tuple[bytes, ...]:
    """Return the bytes of every signing policy, sorted by file name."""
    folder = resources.files("schemas").joinpath("policies")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".json"))
    return tuple(_read("policies", name) for name in names)


def load_xsd(name: str) -> bytes:
    """Return the bytes of `xsd/<name>`."""
    return _read("xsd", name)


def load_json_schema(name: str) -> bytes:
    """Return the bytes of `json/<name>`."""
    return _read("json", name)


@cache
def load_table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of `tables/<name>.csv`, each a mapping from column to text; empty text stands for no value."""
    text = _read("tables", f"{name}.csv").decode("utf-8")
    return tuple(csv.DictReader(text.splitlines()))
