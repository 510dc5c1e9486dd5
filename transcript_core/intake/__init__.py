"""Reads the sector's spreadsheets into raw records, and tells every problem by file, sheet and cell."""

from transcript_core.intake.importer import import_school, import_sheets, list_blocking, select_all, select_clean

__all__ = ["import_school", "import_sheets", "list_blocking", "select_all", "select_clean"]
