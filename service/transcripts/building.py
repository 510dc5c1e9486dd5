"""Builds documents from imported records and locks them.  Nobody signs before; held-back pupils are never built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from service import audit
from service.cli.output import Advance
from service.db.engine import transaction
from service.schools import repository as schools
from service.transcripts import repository
from service.transcripts.rendering import Draft, Rendered, render_all
from service.workspace import Workspace
from transcript_core.build import Incomplete, build_issue, build_transcript
from transcript_core.clock import VIETNAM_TIME
from transcript_core.identifiers import generate_serial
from transcript_core.model import School, SlotSigner
from transcript_core.policy import find_policy, list_slots
from transcript_core.records import PupilRecord, SchoolRecords
