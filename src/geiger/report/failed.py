"""From the log of a run that left no run behind to what its page shows: what went wrong, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from geiger.checks.base import Finding, Severity
from geiger.cleaning import clean, clean_setting, cleaned
from geiger.command_line import Folders
from geiger.errors import DataError
from geiger.records import AuditSummary, Checkpoint, Epoch, Notice, RunLog, Status
from geiger.report.view import Pairs
from geiger.runlog import read_log
from geiger.runlog.wording import settings_of

USUAL = Folders()
LAST_LINES = 25
LONGEST_LINE = 400  # characters
ENDED_BY = "TRAINING_FAILED"  # the code under which a log says why
STOPPED, NO_STATUS = "STOPPED", "NO STATUS"
READ_LAST = 1 << 18  # bytes of a log's end


@dataclass(frozen=True, eq=False, kw_only=True)
class FailedView:
    """Everything that the page of a run without a run folder says.

    Attributes
    ----------
    status : str
        FAILED or another status; STOPPED or NO STATUS where the log has none.
    sentence : str
        How it ended.
    why : tuple of Notice
        What the log says ended it; `warnings` are the others.
    missing : str
        Why there is no finished run to report on.
    next : str
        The command to type.
    lines : tuple of (number, text)
        The last of the log.
    """

    name: str
    symbol: str
    model: str
    status: str
    sentence: str
    why: tuple[Notice, ...]
    missing: str
    next: str
    lines: tuple[tuple[int, str], ...]
    warnings: tuple[Notice, ...] = ()
    findings: tuple[Finding, ...] = ()
    checkpoints: tuple[Checkpoint, ...] = ()
    epochs: tuple[Epoch, ...] = ()
    settings: Pairs = ()
    audit: AuditSummary | None = None


def failed_of(
    log: Path,
    missing: str,
    findings: Sequence[Finding] = (),
    *,
    known: RunLog | None = None,
    folders: Folders = USUAL,
) -> FailedView:
    """Return what the page shows of the run that wrote a log and left no finished run.

    Parameters
    ----------
    missing : str
        Why there is no finished run, in a sentence.
    findings : sequence of Finding
        Of the analyzer, the worst first.
    known : RunLog, optional
        What the log says, where the caller has read it.

    Raises
    ------
    DataError
        The log cannot be read.
    """
    read = read_log(log) if known is None else known
    told = settings_of(read)
    name = clean(log.stem)
    worst = next((one for one in findings if one.severity is Severity.FAIL), None)
    show = folders.command("geiger", "logs", "analyze", log.stem, logs=True)
    notices = tuple(cleaned(notice) for notice in read.warnings)
    why = tuple(notice for notice in notices if notice.code == ENDED_BY)
    return FailedView(
        name=name,
        symbol=clean(told.symbol or log.stem.split("_")[0]),
        model=clean(told.model or "model not named"),
        status=_status(read),
        sentence=_sentence(read),
        why=why,
        warnings=tuple(notice for notice in notices if notice not in why),
        missing=clean(missing),
        next=show if worst is None else clean(worst.next),
        lines=last_lines(log),
        findings=tuple(cleaned(one) for one in findings),
        checkpoints=tuple(cleaned(point) for point in read.checkpoints),
        epochs=read.epochs,
        settings=tuple(clean_setting(setting, text) for setting, text in read.config),
        audit=None if read.audit is None else cleaned(read.audit),
    )


def _status(log: RunLog) -> str:
    if log.status is not None:
        return str(log.status)
    return STOPPED if log.stopped else NO_STATUS


def _sentence(log: RunLog) -> str:
    """Say how the run ended, as far as its log knows."""
    if log.status is Status.FAILED:
        return "The training failed before it had forecasts that could be kept."
    if log.status is not None:
        return f"The log says {log.status}, and there is no finished run beside it."
    if log.stopped:
        return f"The run was stopped {clean(log.stopped)}."
    return "The log ends without a STATUS: the run was killed, or it still goes on."


def last_lines(log: Path) -> tuple[tuple[int, str], ...]:
    """Return the last lines of a log with their numbers, counted from 1.

    Raises
    ------
    DataError
        It cannot be read.
    """
    try:
        size = log.stat().st_size
        with log.open("rb") as file:
            before = file.read(max(0, size - READ_LAST)).count(b"\n")
            text = file.read().decode(errors="replace")
    except OSError as error:
        raise DataError(f"{log}: cannot be read ({error.strerror or error})") from None
    lines = text.splitlines()
    first = max(0, len(lines) - LAST_LINES)
    numbered = enumerate(lines[first:], before + first + 1)
    return tuple((number, _shown(line)) for number, line in numbered)


def _shown(line: str) -> str:
    """Return a line as it reads: `clean` marks headings, which on a page are none.

    >>> _shown("=== STATUS ===")
    '=== STATUS ==='
    """
    text = clean(line)[:LONGEST_LINE]
    return text[1:] if text.startswith("\\===") else text
