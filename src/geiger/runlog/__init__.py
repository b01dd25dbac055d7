"""The training log: written as the run goes, read back by the analyzer."""

from geiger.records import LoggedScorecard, RunLog
from geiger.runlog.reader import read_events, read_log, read_text
from geiger.runlog.sections import render
from geiger.runlog.writer import RunLogWriter, add_audit, add_verdict

__all__ = [
    "LoggedScorecard",
    "RunLog",
    "RunLogWriter",
    "add_audit",
    "add_verdict",
    "read_events",
    "read_log",
    "read_text",
    "render",
]
