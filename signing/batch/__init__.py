"""Signing many documents under one approval."""

from signing.batch.engine import CHUNK, choose_workers, sign_batch, sign_named
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
    "prepare_task",
    "sign_batch",
    "sign_named",
]
