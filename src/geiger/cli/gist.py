"""The first ten lines on a run as a terminal shows them: colour by meaning, and none in a pipe."""

from __future__ import annotations

from pathlib import Path

from geiger.cli.terminal import colour_wanted
from geiger.command_line import LOG_DIR, Folders
from geiger.errors import DataError
from geiger.records import Answer
from geiger.runs.gist import Gist, Part, gist_of
from geiger.runs.record import RunRecord, read_record

GREEN, YELLOW, RED, DIM, END = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[0m"
OF_ANSWER = {Answer.SIGNAL: GREEN, Answer.CANNOT_TELL: YELLOW, Answer.NO_SIGNAL: DIM}
OF_PART = {Part.ALARM: RED, Part.WRONG: RED}


def record_in(folder: Path) -> RunRecord:
    """Return the record of a run that has just been written."""
    record = read_record(folder)
    if record is None:
        raise DataError(f"{folder}: the run is gone; train again")
    return record


def gist_lines(record: RunRecord, folder: Path, log_dir: Path | str | None = None) -> list[str]:
    """Return the gist of a run in `folder`, in colour where stdout is a terminal that wants it."""
    logs = log_dir if log_dir is not None else LOG_DIR if record.log is None else Path(record.log).parent
    gist = gist_of(record, Folders.of(folder.parent, logs))
    return painted(gist) if colour_wanted() else list(gist.lines())


def painted(gist: Gist) -> list[str]:
    """Return the lines of a gist in colour: the words of the answer, and what is wrong."""
    return [_painted(part, text, gist.answer) for part, text in gist.parts()]


def _painted(part: Part, text: str, answer: Answer | None) -> str:
    if part is Part.ANSWER and answer in OF_ANSWER:
        return text.replace(f": {answer}", f": {OF_ANSWER[answer]}{answer}{END}", 1)
    return f"{OF_PART[part]}{text}{END}" if part in OF_PART else text
