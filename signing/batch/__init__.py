"""Signing many documents under one approval."""

from signing.batch.engine import CHUNK, choose_workers, sign_batch, sign_named
from signing.batch.keys import is_in_memory
from signing.batch.tasks import FormatResult, PreparedTask, SigningResult, SigningTask, attach_task, prepare_task
from signing.batch.workplace import Terms, WorkerLost, Workplace

__all__ = [
    "CHUNK",
    "FormatResult",
    "PreparedTask",
    "SigningResult",
    "SigningTask",
    "Terms",
    "WorkerLost",
    "Workplace",
    "attach_task",
    "choose_workers",
    "is_in_memory",
    "prepare_task",
    "sign_batch",
    "sign_named",
]
