"""Every run in one row: what it came to, or how far it has come, without reading all of any.

`geiger runs`, `geiger.runs` and the live view show these rows. Of a record only what a row needs is decoded;
one that cannot be read is a row that says so. A training that has not ended has a log and no record: its row
has the last epoch that the log tells of.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geiger.cleaning import clean
from geiger.codec import Misfit, fitted_texts, parsed, straight
from geiger.errors import SettingError, did_you_mean
from geiger.figures import FigureName
from geiger.records import Answer, Status
from geiger.runlog.facts import STILL_RUNNING
from geiger.runs.record import LONGEST_WHY, RECORD, RUN_NAME, SCHEMA, STAMP
from geiger.settings.models import GROUPS, log_names

RUNNING, STOPPED, DAMAGED = "running", "stopped", "damaged"  # beside the words of `Status`
STATUSES = (*(status.value for status in Status), RUNNING, STOPPED, DAMAGED)
ANSWERS = (Answer.SIGNAL, Answer.NO_SIGNAL, Answer.CANNOT_TELL)
NO_ANSWER = "none"
BACKTEST = "backtest"
UNJUDGED = "no verdict"
TAIL = 1 << 16  # bytes at the end of a log that hold its status, or its last epoch
LEAST_P = 0.0001  # what is less is shown as less than that
LONGEST_NAME = 200  # characters of a symbol in a row: a record may hold anything
LARGEST = 64 << 20  # bytes of a record that is read


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One run in short.

    Attributes
    ----------
    status : str
        A word of `Status`, or ``running``, ``stopped`` or ``damaged``.
    recorded : bool
        Whether there is a record, so that the run can be shown.
    when : datetime
        When it ended; of a run without a record when it began. With its zone.
    panel : bool
        Whether it is of a panel.
    answer, sentence : str
        Of the verdict; empty where there is none.
    corrected_p : float or None
        p of the verdict with all tries.
    correlation, correlation_error : float or None
        Of forecasts with outcomes and its standard error; of a panel the mean rank correlation of a day.
    sharpe, held_sharpe : float or None
        Net, and that of buy and hold.
    audit : str
        ``green``, ``red`` or empty.
    suspect : bool
        Whether its figures are better than daily returns allow.
    epoch, fold : int or None
        The last ones that the log of a run without a record tells of.
    trouble : str
        Why a record cannot be read, or who stopped the run.
    """

    name: str
    status: str
    recorded: bool
    when: dt.datetime
    symbol: str
    model: str
    kind: str = "train"
    panel: bool = False
    recipe: str = ""
    answer: str = ""
    sentence: str = ""
    corrected_p: float | None = None
    correlation: float | None = None
    correlation_error: float | None = None
    sharpe: float | None = None
    held_sharpe: float | None = None
    audit: str = ""
    suspect: bool = False
    epoch: int | None = None
    fold: int | None = None
    trouble: str = ""

    def progress(self) -> str:
        """Return how far a run without a record has come, in words.

        >>> when = dt.datetime(2024, 1, 5, tzinfo=dt.UTC)
        >>> common = {"name": "A", "recorded": False, "when": when, "symbol": "A", "model": "lstm"}
        >>> RunRow(status="running", epoch=12, fold=3, **common).progress()
        'fold 3, epoch 12'
        """
        parts = (("fold", self.fold), ("epoch", self.epoch))
        return ", ".join(f"{word} {number}" for word, number in parts if number is not None)

    # ---- the words of a table ----

    def answer_text(self) -> str:
        """Return the answer, or what the run is without one."""
        return (self.answer or UNJUDGED) if self.recorded else self.status

    def p_text(self) -> str:
        """Return p with all tries."""
        p = self.corrected_p
        return _number(p, 4) if p is None or p >= LEAST_P else f"<{LEAST_P}"  # no p is 0

    def correlation_text(self) -> str:
        """Return the correlation with its standard error."""
        if self.correlation is None:
            return ""
        return f"{self.correlation:.3f} ±{_number(self.correlation_error, 3) or '?'}"

    def sharpe_text(self) -> str:
        """Return the Sharpe ratio beside that of buy and hold."""
        if self.sharpe is None:
            return ""
        return f"{self.sharpe:.2f} ({_number(self.held_sharpe, 2) or '?'})"

    def note(self) -> str:
        """Return what must be known beside the figures; empty of a run that ended well."""
        if not self.recorded:
            return ""
        if self.status != Status.SUCCESS:
            return self.status.lower()
        if self.audit == "red":
            return "red audit"
        return "leak suspected" if self.suspect else ""


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


# ---- what of a record is decoded ----


@dataclass(frozen=True)
class _Figure:
    name: str
    value: float | None = None


@dataclass(frozen=True)
class _Health:
    rho: float | None = None
    rho_error: float | None = None


@dataclass(frozen=True)
class _RankIC:
    kind: str
    mean: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class _CrossSection:
    ics: tuple[_RankIC, ...] = ()


@dataclass(frozen=True)
class _Results:
    health: _Health | None = None
    figures: tuple[_Figure, ...] = ()
    cross_section: _CrossSection | None = None


@dataclass(frozen=True)
class _Alarm:
    code: str


@dataclass(frozen=True)
class _Verdict:
    answer: str
    sentence: str = ""
    corrected_p: float | None = None
    alarms: tuple[_Alarm, ...] = ()


@dataclass(frozen=True)
class _Audit:
    color: str


@dataclass(frozen=True)
class _Config:
    recipe: str = ""


@dataclass(frozen=True)
class _Member:
    symbol: str


@dataclass(frozen=True)
class _Record:
    symbol: str
    model: str
    status: Status
    results: _Results
    schema: int = 1
    kind: str = "train"
    config: _Config = _Config()
    verdict: _Verdict | str | None = None  # a text in records that are older than verdicts
    audit: _Audit | None = None
    finished_at: str = ""
    members: tuple[_Member, ...] = ()


@dataclass(frozen=True)
class _Event:
    event: str
    status: str = ""
    text: str = ""
    fold: int | None = None
    epoch: int | None = None


_record_of, _event_of = straight(_Record), straight(_Event)

Stamp = tuple[int, int]  # size and mtime_ns of a file


class Listing:
    """The runs of a folder, and the trainings in a folder of logs that left no run; read again where changed.

    Parameters
    ----------
    runs_dir, log_dir : Path
    follow : bool
        Whether links are followed, which may lead out of the folders.
    """

    def __init__(self, runs_dir: Path, log_dir: Path, *, follow: bool = True) -> None:
        self._runs_dir, self._log_dir, self._follow = runs_dir, log_dir, follow
        self._known: dict[str, tuple[Stamp, RunRow]] = {}

    def rows(self, now: dt.datetime | None = None) -> list[RunRow]:
        """Return a row for every run, the newest first.

        Parameters
        ----------
        now : datetime with a zone, optional
            Stands in for the clock, which tells a training that goes on from one that was killed.
        """
        now = now or dt.datetime.now(dt.UTC)
        found = {row.name: row for row in self._recorded()}
        found |= {row.name: row for row in self._unfinished(found, now)}
        return sorted(found.values(), key=lambda row: (row.when, row.name), reverse=True)

    def _recorded(self) -> Iterable[RunRow]:
        known: dict[str, tuple[Stamp, RunRow]] = {}
        for name in _names(self._runs_dir, self._follow):
            path = self._runs_dir / name / RECORD
            stamp = _stamp(path, self._follow)
            if stamp is None:  # being written, or stopped there: its log tells of it
                continue
            before = self._known.get(name)
            row = before[1] if before is not None and before[0] == stamp else _row(name, path, stamp)
            known[name] = (stamp, row)
            yield row
        self._known = known

    def _unfinished(self, recorded: Mapping[str, RunRow], now: dt.datetime) -> Iterable[RunRow]:
        stems: dict[str, Path] = {}
        for file in _files(self._log_dir):
            stem, _, suffix = file.rpartition(".")
            events_first = suffix == "jsonl" or stem not in stems
            if (
                suffix in ("log", "jsonl")
                and RUN_NAME.fullmatch(stem)
                and stem not in recorded
                and events_first
            ):
                stems[stem] = self._log_dir / file
        for stem, path in stems.items():
            row = _unfinished(stem, path, now, self._follow)
            if row is not None:
                yield row


def rows(runs_dir: Path, log_dir: Path) -> list[RunRow]:
    """Return a row for every run of two folders, the newest first; see `Listing`."""
    return Listing(runs_dir, log_dir).rows()


# ---- order and choice ----

Key = Callable[[RunRow], float | str | None]

SORTS: Mapping[str, Key] = {
    "age": lambda row: -row.when.timestamp(),
    "verdict": lambda row: _rank(row),
    "p": lambda row: row.corrected_p,
    "correlation": lambda row: None if row.correlation is None else -row.correlation,
    "sharpe": lambda row: None if row.sharpe is None else -row.sharpe,
    "name": lambda row: row.name,
}
"""What rows can be sorted by: the newest, the surest, the largest first."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which rows, and in which order; None leaves out nothing.

    Raises
    ------
    SettingError
        A word is none of those that there are; the message names the nearest.
    """

    sort: str = "age"
    symbol: str | None = None
    model: str | None = None
    answer: str | None = None
    status: str | None = None
    _models: frozenset[str] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise SettingError(f"sort {self.sort!r}: {did_you_mean(self.sort, SORTS)}")
        if self.model is not None:
            object.__setattr__(self, "_models", _models(self.model))
        if self.answer is not None:
            object.__setattr__(self, "answer", _one_of("answer", self.answer, (*ANSWERS, NO_ANSWER)))
        if self.status is not None:
            object.__setattr__(self, "status", _one_of("status", self.status, STATUSES))

    def of(self, rows: Iterable[RunRow]) -> list[RunRow]:
        """Return the chosen rows in order; a row without the value that is sorted by comes last."""
        key, chosen = SORTS[self.sort], [row for row in rows if self._takes(row)]
        known: list[tuple[Any, RunRow]] = [(key(row), row) for row in chosen if key(row) is not None]
        in_order = [row for _, row in sorted(known, key=lambda pair: pair[0])]
        return in_order + [row for row in chosen if key(row) is None]

    def _takes(self, row: RunRow) -> bool:
        return (
            (self.symbol is None or row.symbol.casefold() == self.symbol.casefold())
            and (self.model is None or (BACKTEST if row.kind == BACKTEST else row.model) in self._models)
            and (self.answer is None or (row.answer or NO_ANSWER) == self.answer)
            and (self.status is None or row.status == self.status)
        )


def _models(word: str) -> frozenset[str]:
    """Return the models that a word stands for: one, by either of its names, or a group."""
    names = log_names()
    known = {BACKTEST: (BACKTEST,), **GROUPS, **{name: (model,) for name, model in names.items()}}
    known |= {model: (model,) for model in names.values()}
    if word not in known:
        raise SettingError(f"model {word!r}: {did_you_mean(word, known)}")
    return frozenset(known[word])


def _one_of(what: str, word: str, words: Sequence[str]) -> str:
    """Return the word of ours that is meant: capitals do not matter, and ``no-signal`` is NO SIGNAL."""
    known = {one.casefold(): str(one) for one in words}
    meant = known.get(re.sub(r"[-_]", " ", word).casefold())
    if meant is None:
        raise SettingError(f"{what} {word!r}: {did_you_mean(word, list(known))}")
    return meant


def _rank(row: RunRow) -> float:
    order = [*ANSWERS, ""]
    return order.index(row.answer) if row.answer in order else len(order)


# ---- reading ----


def _names(root: Path, follow: bool) -> list[str]:
    """Return the names of all folders of runs, whole or not."""
    with suppress(OSError), os.scandir(root) as entries:
        return [
            entry.name
            for entry in entries
            if RUN_NAME.fullmatch(entry.name) and (follow or not entry.is_symlink())
        ]
    return []


def _files(folder: Path) -> list[str]:
    with suppress(OSError):
        return sorted(os.listdir(folder))
    return []


def _stamp(path: Path, follow: bool) -> Stamp | None:
    """Return what changes with a file; None where there is none, or only a link that is not followed."""
    with suppress(OSError):
        facts = os.stat(path, follow_symlinks=follow)
        if stat.S_ISREG(facts.st_mode):
            return facts.st_size, facts.st_mtime_ns
    return None


def _row(name: str, path: Path, stamp: Stamp) -> RunRow:
    """Return the row of a record, or of one that cannot be read."""
    symbol, model = _parts(name)
    try:
        if stamp[0] > LARGEST:
            raise Misfit(f"{stamp[0] >> 20} MB is no record")
        record = _read(path.read_bytes())
    except (OSError, Misfit) as error:
        why = getattr(error, "strerror", None) or error
        return RunRow(
            name=name,
            status=DAMAGED,
            recorded=False,
            when=_began(name),
            symbol=symbol,
            model=model,
            trouble=clean(why)[:LONGEST_WHY],
        )
    verdict = record.verdict if isinstance(record.verdict, _Verdict) else None
    value = {figure.name: figure.value for figure in reversed(record.results.figures)}
    correlation, error_of_it = _correlation(record.results)
    return RunRow(
        name=name,
        status=record.status.value,
        recorded=True,
        when=_when(record.finished_at, name),
        symbol=clean(record.symbol[:LONGEST_NAME]),
        model=clean(record.model),
        kind=clean(record.kind),
        panel=bool(record.members),
        recipe=clean(record.config.recipe),
        answer="" if verdict is None else clean(verdict.answer),
        sentence="" if verdict is None else clean(verdict.sentence),
        corrected_p=None if verdict is None else verdict.corrected_p,
        correlation=correlation,
        correlation_error=error_of_it,
        sharpe=value.get(FigureName.SHARPE),
        held_sharpe=value.get(FigureName.BUY_AND_HOLD_SHARPE),
        audit="" if record.audit is None else clean(record.audit.color),
        suspect=verdict is not None and bool(verdict.alarms),
    )


def _read(text: bytes) -> _Record:
    record = _record_of(text)
    if record is None:  # with numbers that JSON has no word for, or damaged: the slower way says which
        record = fitted_texts(parsed(text), _Record)
    if record.schema > SCHEMA:
        raise Misfit(f"schema {record.schema} is newer than this version knows, {SCHEMA}; update geiger")
    return record


def _correlation(results: _Results) -> tuple[float | None, float | None]:
    if results.cross_section is not None:
        whole = next((one for one in results.cross_section.ics if one.kind == "all"), _RankIC("all"))
        return whole.mean, whole.error
    health = results.health or _Health()
    return health.rho, health.rho_error


def _unfinished(stem: str, path: Path, now: dt.datetime, follow: bool) -> RunRow | None:
    """Return the row of a training that left no run; None where its log says that it ended well."""
    stamp = _stamp(path, follow)
    if stamp is None:
        return None
    try:
        lines = _last_lines(path, stamp[0])
    except OSError:
        return None
    told = _told(lines) if path.suffix == ".jsonl" else _told_in_text(lines)
    if told.status and told.status != Status.FAILED:
        return None  # its run was removed: nothing of it goes on
    idle = now.timestamp() - stamp[1] / 1e9
    symbol, model = _parts(stem)
    alive = not told.text and idle < STILL_RUNNING
    return RunRow(
        name=stem,
        status=told.status or (RUNNING if alive else STOPPED),
        recorded=False,
        when=_began(stem),
        symbol=symbol,
        model=model,
        kind=BACKTEST if model == BACKTEST else "train",
        epoch=told.epoch,
        fold=told.fold,
        trouble=clean(told.text)[:LONGEST_WHY],
    )


def _last_lines(path: Path, size: int) -> list[bytes]:
    """Return the whole lines at the end of a file."""
    with open(path, "rb") as file:
        if size > TAIL:
            file.seek(size - TAIL)
            file.readline()
        return file.read(2 * TAIL).split(b"\n")


def _told(lines: Sequence[bytes]) -> _Event:
    """Return status, last words, and the last fold and epoch that events tell of."""
    status, text, fold, epoch = "", "", None, None
    for line in reversed(lines):
        event = _event_of(line) if line else None
        if event is None:
            continue
        if event.event == "status":
            status = status or event.status
        elif event.event in ("stopped", "warning") and not text:
            text = event.text if event.event == "stopped" or status == Status.FAILED else text
        elif event.event == "fold" and fold is None:
            fold = event.fold
        elif event.event == "epoch":
            fold, epoch = event.fold, event.epoch
            break
    return _Event("", status, text, fold, epoch)


_HEADING = re.compile(rb"=== (\w+) ===\s*")
_EPOCH = re.compile(rb"Epoch ([0-9]{1,9})[:/]")


def _told_in_text(lines: Sequence[bytes]) -> _Event:
    """Return the same of a log that has no events beside it."""
    status, text, epoch, section = "", "", None, b""
    for line in lines:
        heading, numbered = _HEADING.match(line), _EPOCH.match(line)
        if heading:
            section = heading[1]
        elif line.strip() and section == b"STATUS":
            status = clean(line.decode("utf-8", "replace")).upper()
        elif line.strip() and section == b"STOPPED":
            text = text or line.decode("utf-8", "replace")
        elif numbered:
            epoch = int(numbered[1])
    return _Event("", status, text, None, epoch)


def _parts(name: str) -> tuple[str, str]:
    """Return symbol and model of a run's name.

    >>> _parts("AAPL_gbm_xgb_20240105_143022"), _parts("A_B_backtest_20240105_143022")
    (('AAPL', 'xgb'), ('A_B', 'backtest'))
    """
    stem, names = name[:-16], {**log_names(), BACKTEST: BACKTEST}
    for log_name in sorted(names, key=len, reverse=True):
        if stem.endswith(f"_{log_name}"):
            return stem.removesuffix(f"_{log_name}"), names[log_name]
    symbol, _, model = stem.rpartition("_")
    return symbol, model


def _when(finished_at: str, name: str) -> dt.datetime:
    """Return when a run ended, by its record, or else when it began, by its name."""
    with suppress(ValueError, OverflowError):
        found = dt.datetime.fromisoformat(finished_at)
        return found if found.tzinfo is not None else found.astimezone()
    return _began(name)


def _began(name: str) -> dt.datetime:
    """Return the time in a run's name, which is the local one."""
    with suppress(ValueError, OverflowError):
        return dt.datetime.strptime(name[-15:], STAMP).astimezone()
    return dt.datetime.fromtimestamp(0, dt.UTC)  # a time that no clock shows: before all others


def age(when: dt.datetime, now: dt.datetime) -> str:
    """Return how long ago something was, in the largest unit that fits.

    >>> now = dt.datetime(2024, 1, 5, tzinfo=dt.UTC)
    >>> [age(now - dt.timedelta(minutes=m), now) for m in (0, 45, 60 * 30, 60 * 24 * 900)]
    ['0s', '45m', '30h', '2y']
    """
    seconds = max(0.0, (now - when).total_seconds())
    for unit, length in (("y", 365 * 86400.0), ("d", 86400.0), ("h", 3600.0), ("m", 60.0)):
        if seconds >= (2 if unit in "yd" else 1) * length:
            return f"{int(seconds // length)}{unit}"
    return f"{int(seconds)}s"
