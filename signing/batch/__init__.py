"""Signing many documents under one approval."""

from signing.batch.engine import sign_batch
from signing.batch.tasks import FormatResult, PreparedTask, SigningResult, SigningTask, attach_task, prepare_task

__all__ = [
    "FormatResult",
    "PreparedTask",
    "SigningResult",
    "SigningTask",
    "attach_task",
    "prepare_task",
    "sign_batch",
]
