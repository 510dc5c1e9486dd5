"""The sentences of the pages, in Vietnamese and English, from `texts.json`.  None stands in a template."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import cache
from importlib import resources


class Language(StrEnum):
    """Languages of the pages."""

    VIETNAMESE = "vi"
    ENGLISH = "en"


@cache
def list_texts(language: Language) -> dict[str, str]:
    """Return every sentence in `language`, by key."""
    content = resources.files("service.web").joinpath("texts.json").read_text(encoding="utf-8")
    return {key: sentence[language.value] for key, sentence in json.loads(content).items()}


def pick_language(asked: str | None, accepted: str | None) -> Language:
    """Return the language asked for in the address, else English when the browser wants it first, else Vietnamese."""
    if asked in set(Language):
        return Language(asked)
    first = (accepted or "").split(",")[0].strip().lower()
    return Language.ENGLISH if first.startswith("en") else Language.VIETNAMESE
