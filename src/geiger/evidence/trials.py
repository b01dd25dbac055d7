"""The register of everything that was ever scored: how often somebody tried belongs to every answer.

::

    runs/trials/
      register.jsonl            a hash chain (see `chain`): trials, reruns, opened lock-boxes
      register.head             how far it had come
      scores/<digest>.parquet   day, score: what a trial scored on each day
      series/<digest>.parquet   day, return: the daily returns of the prices that were tried
      .index.sqlite             for looking up; made anew from the chain where it does not fit

The same trial (see `Trial.key`) on the same prices (see `series`) counts once. One with the same first day,
at least as many days and, on the days of both, the same scores continues the trial that is there: days were
appended, and its newest line counts. The very same again is a rerun: it is noted and does not count. Anything
else is a trial of its own: other settings, another first day, fewer days, or other scores under the same key.

A chain like this proves order and not time, and nothing against its owner, who can make all of it anew. What
it shows is that no line was changed or removed since somebody last kept its head: a file beside it, every
run's record and every log do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np

from geiger.chain import Chain, End, Entry, Head, alone, hashes_of
from geiger.codec import Misfit, fitted, plain
from geiger.errors import DataError
from geiger.evidence.day_files import DayFiles, DayValues
from geiger.evidence.series import (
    FEWEST,
    PANEL_SIGNS,
    SAME,
    SAME_NAME,
    SAME_PANEL,
    SIGNS,
    Signs,
    agreeing,
    likeness,
    same,
)
from geiger.evidence.trial import Kind, Trial
from geiger.evidence.trial_index import PANEL, SYMBOL, KnownSeries, TrialIndex, Version
from geiger.records import RegisterHead

SCHEMA = 1
REGISTER = "register.jsonl"
INDEX = ".index.sqlite"
LOCK = ".lock"

T = TypeVar("T")

_Heads = Callable[[], Iterable[Head]]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """What became of a trial.

    Attributes
    ----------
    head : RegisterHead
        Of the register with this trial: for the run's record and its log.
    trial : Trial
        As it counts now. Of a rerun the line that it repeats.
    counted : bool
        Whether there is one trial more than before. False for a rerun and for appended days.
    rerun : bool
        Whether the very same was there already.
    shared_with : tuple of str
        Other symbols under which the same prices were tried.
    """

    head: RegisterHead
    trial: Trial
    counted: bool
    rerun: bool
    shared_with: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the register, for people: a trial with what it is to others, or a rerun of one.

    Attributes
    ----------
    counts : bool
        Whether it is a trial that counts now: not a rerun, and not continued by a later line.
    continues, continued_by, rerun_of : int or None
        Numbers of lines.
    """

    number: int
    at: str
    trial: Trial
    counts: bool
    continues: int | None = None
    continued_by: int | None = None
    rerun_of: int | None = None


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What a look at every line and file came to.

    Attributes
    ----------
    head : RegisterHead or None
        None where the register cannot be read.
    heads : int
        Kept heads that it goes on from.
    faults : tuple of str
        What was changed, removed or replaced; none in a sound register.
    gone : tuple of str
        Scores whose file is gone: those trials count as independent of all others, which is stricter.
    """

    head: RegisterHead | None
    heads: int
    faults: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether there is no fault."""
        return not self.faults


@dataclass(frozen=True)
class _TrialLine:
    """A trial; `returns` is the digest of its prices' returns, which made other series one with its own."""

    schema: int
    trial: Trial
    returns: str
    continues: int | None = None
    joins: tuple[str, ...] = ()


@dataclass(frozen=True)
class _RerunLine:
    """The very trial of line `of` again, maybe under another symbol or with more prices around it."""

    schema: int
    of: int
    run: str | None
    symbol: str
    returns: str
    joins: tuple[str, ...] = ()


@dataclass(frozen=True)
class _UnsealedLine:
    """The lock-box of a trial was opened: its days from `first` to `last`."""

    schema: int
    series: str
    key: str
    symbol: str
    first: str
    last: str
    run: str


_Line = _TrialLine | _RerunLine | _UnsealedLine
_LINES: Mapping[str, type[_TrialLine] | type[_RerunLine] | type[_UnsealedLine]] = {
    "trial": _TrialLine,
    "rerun": _RerunLine,
    "unsealed": _UnsealedLine,
}


@dataclass(frozen=True)
class Register:
    """The register in one folder; without the folder there is none yet, and nothing was tried.

    Attributes
    ----------
    folder : Path
        ``RUNS/trials``.
    known : callable
        Gives the heads that were kept elsewhere. Asked for only where the register has to be read in full.
    """

    folder: Path
    known: _Heads = field(default=tuple, compare=False)

    @property
    def chain(self) -> Chain:
        """The chain that holds every line."""
        return Chain(self.folder / REGISTER)

    @property
    def scores(self) -> DayFiles:
        """The files of what trials scored on each day."""
        return DayFiles(self.folder / "scores", "score")

    @property
    def returns(self) -> DayFiles:
        """The files of the daily returns of prices."""
        return DayFiles(self.folder / "series", "return")

    def add(
        self,
        trial: Trial,
        returns: DayValues,
        scores: DayValues | None = None,
        now: datetime | None = None,
    ) -> Registered:
        """Register a trial before anybody sees its figures, and return what it is to those before.

        Other processes wait meanwhile. A kill leaves the register with the trial or without it.

        Parameters
        ----------
        returns : DayValues
            Daily log returns of its prices (`series.daily_returns`), or of all symbols of a panel held alike
            (`panel_test.equal_weight`): all days that it learned from or scored.
        scores : DayValues, optional
            What it scored on each day.

        Raises
        ------
        DataError
            The trial cannot be, the register was changed or is of a newer version, or cannot be written: then
            nobody can say how many tries there were.
        """
        trial.require()
        if not len(returns):
            raise DataError(f"trial of {trial.symbol} {trial.model}: its prices have no daily return")
        return self._written(lambda index, end: self._add(index, end, trial, returns, scores, now))

    def _add(
        self,
        index: TrialIndex,
        end: End,
        trial: Trial,
        returns: DayValues,
        scores: DayValues | None,
        now: datetime | None,
    ) -> Registered:
        matches = self._matches(index, trial.symbol, returns, panel=bool(trial.members))
        new = f"{PANEL if trial.members else SYMBOL}{returns.digest[:16]}"
        series, joins = (matches[0], tuple(matches[1:])) if matches else (new, ())
        trial = replace(trial, series=series, scores=None if scores is None else scores.digest)
        index.join(series, joins)
        versions = index.versions(trial.kind, trial.key, series)
        again = next((one for one in versions if _is_rerun(trial, one.trial)), None)
        continues = None if again is not None else self._continued(trial, scores, versions)
        if again is None:
            line: _Line = _TrialLine(SCHEMA, trial, returns.digest, continues, joins)
        else:
            line = _RerunLine(SCHEMA, again.trial.number, trial.run, trial.symbol, returns.digest, joins)
        # Files first: a line must never name what is not there. Of a rerun as well: its file may be gone.
        if scores is not None:
            self.scores.keep(scores)
        self.returns.keep(returns)
        entry = self._append(index, end, line, now, returns)
        return Registered(
            head=RegisterHead(index.distinct(), entry.number + 1, entry.hash),
            trial=replace(trial, number=entry.number, at=entry.at) if again is None else again.trial,
            counted=again is None and continues is None,
            rerun=again is not None,
            shared_with=tuple(sorted(index.symbols_of(series) - {trial.symbol})),
        )

    def sharing(self, series: str, first: str, last: str, kind: Kind = "skill") -> tuple[Trial, ...]:
        """Return the newest line of each trial of a series whose scored days overlap a span, in order.

        Raises
        ------
        DataError
            The register was changed, is of a newer version, or cannot be read.
        """
        return self._asked(lambda index, _: index.sharing(kind, series, first, last))

    def among(self, trial: Trial) -> tuple[Trial, ...]:
        """Return all trials of a trial's kind and series that share its days, with itself among them.

        Parameters
        ----------
        trial : Trial
            As the register gave it. Where later lines continue it, it still stands for them here: a rerun on
            the prices of then is judged by what it scored.

        Raises
        ------
        DataError
            See `sharing`.
        """
        return self._asked(lambda index, _: index.among(trial))

    def scores_of(self, trial: Trial) -> DayValues | None:
        """Return what a trial scored on each day; None where no file says so any more.

        Without it nobody can tell how much the trial has in common with others: it counts as independent.
        """
        return None if trial.scores is None else self.scores.read(trial.scores)

    def head(self) -> RegisterHead:
        """Return how far the register has come; see `sharing` for what it raises."""
        return self._asked(lambda index, end: RegisterHead(index.distinct(), end.length, end.hash))

    def series_of(self, symbol: str, returns: DayValues) -> str | None:
        """Return which series daily returns are, whatever their name; None where they were never tried."""
        found = self._asked(lambda index, _: self._matches(index, symbol, returns, panel=False))
        return found[0] if found else None

    def lines(self) -> tuple[Line, ...]:
        """Return every trial and rerun, oldest first; the whole register is read and verified."""
        entries = self.chain.entries(self._kept())
        with closing(TrialIndex(None)) as index:
            self._fill(index, entries)
            trials = {one.number: one for one in index.trials()}
        found: dict[int, Line] = {}
        for entry in entries:
            line = _line_of(entry, self.chain.path)
            number, at = entry.number, entry.at
            if isinstance(line, _TrialLine):
                trial = trials[number]
                found[number] = Line(number=number, at=at, trial=trial, counts=True, continues=line.continues)
                if line.continues is not None:
                    before = found[line.continues]
                    found[line.continues] = replace(before, counts=False, continued_by=number)
            elif isinstance(line, _RerunLine):
                trial = replace(trials[line.of], run=line.run, symbol=line.symbol)
                found[number] = Line(number=number, at=at, trial=trial, counts=False, rerun_of=line.of)
        return tuple(found.values())

    def unsealed(self, trial: Trial, first: str, last: str) -> tuple[str, str] | None:
        """Return when the lock-box of a trial was opened, and by which run; None where it was not.

        Any opened span that shares a day with `first` to `last` counts: a sealed row is seen once.
        """
        return self._asked(lambda index, _: index.unsealed(trial.series, trial.key, first, last))

    def unseal(
        self, trial: Trial, run: str, first: str, last: str, now: datetime | None = None
    ) -> RegisterHead:
        """Note that the lock-box of a trial is opened, before anybody sees what is in it.

        Parameters
        ----------
        trial : Trial
            As the register gave it: its key on its series.
        first, last : str
            The days that were sealed, ISO.

        Raises
        ------
        DataError
            It was opened before: the line says when; or see `add`.
        """

        def note(index: TrialIndex, end: End) -> RegisterHead:
            opened = index.unsealed(trial.series, trial.key, first, last)
            if opened is not None:
                raise DataError(
                    f"the lock-box of {trial.symbol}, {first} to {last}, was opened on {opened[0][:10]} by "
                    f"{opened[1]}: it can be scored once; days that come later can be sealed anew"
                )
            line = _UnsealedLine(SCHEMA, trial.series, trial.key, trial.symbol, first, last, run)
            entry = self._append(index, end, line, now, None)
            return RegisterHead(index.distinct(), entry.number + 1, entry.hash)

        return self._written(note)

    def verify(self, known: Iterable[Head] = ()) -> Verified:
        """Look at every line, every file and every kept head, and say what does not fit.

        Parameters
        ----------
        known : iterable of Head
            Heads kept in logs and elsewhere, beside those that this register knows of.
        """
        heads, faults = self._verified_heads(known)
        try:
            entries = self.chain.entries()
            lines = [_line_of(entry, self.chain.path) for entry in entries]
            with closing(TrialIndex(None)) as index:
                self._fill(index, entries)
                faults += self._index_faults(index)
                head = RegisterHead(index.distinct(), len(entries), hashes_of(entries)[-1])
        except DataError as error:
            return Verified(head=None, heads=0, faults=(str(error), *faults), gone=())
        held = 0
        for one in heads:
            try:
                self.chain.require_held(one, hashes_of(entries))
                held += 1
            except DataError as error:
                faults.append(str(error))
        gone: list[str] = []
        for line in lines:
            if isinstance(line, _TrialLine) and line.trial.scores is not None:
                state = self.scores.state(line.trial.scores)
                if state == "changed":
                    faults.append(_file_fault(self.scores.path(line.trial.scores)))
                elif state == "gone":
                    gone.append(str(self.scores.path(line.trial.scores)))
        for digest in dict.fromkeys(line.returns for line in lines if not isinstance(line, _UnsealedLine)):
            if self.returns.state(digest) != "whole":
                faults.append(_file_fault(self.returns.path(digest)))
        return Verified(
            head=head, heads=held, faults=tuple(dict.fromkeys(faults)), gone=tuple(dict.fromkeys(gone))
        )

    def _verified_heads(self, known: Iterable[Head]) -> tuple[list[Head], list[str]]:
        """Return every kept head, and what is wrong with the file beside the chain."""
        heads, faults = [*self.known(), *known], list[str]()
        try:
            beside = self.chain.kept_head()
        except DataError as error:
            faults.append(str(error))
        else:
            heads += [] if beside is None else [beside]
        return heads, faults

    def _index_faults(self, fresh: TrialIndex) -> list[str]:
        """Return what is wrong with an index that says to be of the register as it is."""
        path = self.folder / INDEX
        if not path.exists():
            return []
        try:
            with closing(TrialIndex(path)) as index:
                place = index.place()
                fits = place is None or place[0] != _stamp(self.chain.path)
                fits = fits or index.content() == fresh.content()
        except sqlite3.Error:
            fits = True  # damaged: it is made anew when it is needed
        return [] if fits else [f"{path}: does not say what the register says; remove it, it is made anew"]

    def _matches(self, index: TrialIndex, symbol: str, returns: DayValues, *, panel: bool) -> list[str]:
        """Return the known series that these returns are, the oldest first: of panels, or of symbols."""
        exact = index.returns_of(returns.digest)
        if exact is not None and exact.of_panel == panel:
            return [exact.series]
        least, share = (SAME_PANEL, PANEL_SIGNS) if panel else (SAME, SIGNS)
        found: dict[str, None] = {}
        for known in index.series_under(symbol):
            if known.of_panel != panel:
                continue
            there = self.returns.read(known.digest)
            alike = None if there is None else likeness(returns, there)
            too_short = there is None or min(len(there), len(returns)) < FEWEST
            if too_short if alike is None else abs(alike) >= SAME_NAME:
                found[known.series] = None
        others = [
            (one, one.signs)
            for one in index.series()
            if one.signs is not None and one.symbol != symbol and one.of_panel == panel
        ]
        for place in agreeing(Signs.of(returns), [signs for _, signs in others], share):
            other, _ = others[place]
            there = self.returns.read(other.digest)
            if there is not None and same(returns, there, least):
                found[other.series] = None
        return index.by_age(found)

    def _continued(self, trial: Trial, scores: DayValues | None, versions: Sequence[Version]) -> int | None:
        """Return the line that a trial continues; None where it is one of its own."""
        lines: dict[int, list[Version]] = {}
        for version in versions:
            lines.setdefault(version.root, []).append(version)
        for line in lines.values():
            first, newest = line[0].trial, line[-1].trial
            fits = trial.first == newest.first and trial.last >= newest.last and trial.rows >= newest.rows
            # The first line as well: many small steps must not lead to other scores.
            if fits and self._repeats(scores, newest) and self._repeats(scores, first):
                return newest.number
        return None

    def _repeats(self, scores: DayValues | None, old: Trial) -> bool:
        """Whether scores hold those of an older line on all of its days."""
        if old.scores is None or scores is None:
            return old.scores is None and scores is None
        before = self.scores.read(old.scores)
        if before is None:
            return False
        _, left, right = np.intersect1d(before.day, scores.day, assume_unique=True, return_indices=True)
        if len(left) < len(before):
            return False
        x, y = before.value[left].astype(np.float64), scores.value[right].astype(np.float64)
        return bool(np.sum((x - y) ** 2) <= 2 * (1 - SAME) * np.sum(x**2))

    def _append(
        self, index: TrialIndex, end: End, line: _Line, now: datetime | None, returns: DayValues | None
    ) -> Entry:
        """Write one line into the chain, then the head beside it, then the index."""
        what = next(name for name, kind in _LINES.items() if isinstance(line, kind))
        record = {"what": what, **plain(line)}
        if isinstance(line, _TrialLine):
            record["trial"] = {k: v for k, v in record["trial"].items() if k not in ("number", "at")}
        now = now or datetime.now(UTC)
        (entry,) = self.chain.append_all([record], now, behind=end)
        with suppress(DataError):  # an older head is one as well
            self.chain.note_head(entry.number + 1, entry.hash)
        # The line is on the disk. Whatever goes wrong with the index now, it is made anew next time.
        size = self.chain.path.stat().st_size
        try:
            self._note(index, entry, {} if returns is None else {returns.digest: returns})
            if entry.number == end.length:
                index.commit(_stamp(self.chain.path), End(entry.number + 1, entry.hash, size))
        except sqlite3.Error:
            self._drop_index()
        return entry

    def _note(self, index: TrialIndex, entry: Entry, at_hand: Mapping[str, DayValues]) -> None:
        """Add one line of the chain to the index."""
        line = _line_of(entry, self.chain.path)
        if isinstance(line, _UnsealedLine):
            index.note_unsealed(line.series, line.key, line.first, line.last, entry.at, line.run)
            return
        if isinstance(line, _TrialLine):
            series, symbol = line.trial.series, line.trial.symbol
        else:
            series, symbol = index.series_of(line.of), line.symbol
        index.join(series, line.joins)
        if isinstance(line, _TrialLine):
            index.note_trial(replace(line.trial, number=entry.number, at=entry.at), line.continues)
        if not index.has_returns(line.returns, symbol):
            values = at_hand.get(line.returns) or self.returns.read(line.returns)
            signs = None if values is None else Signs.of(values)
            days = (0, 0) if values is None else (int(values.day[0]), int(values.day[-1]))
            index.note_series(KnownSeries(line.returns, series, symbol, signs), *days)

    def _fill(self, index: TrialIndex, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._note(index, entry, {})

    def _kept(self) -> list[Head]:
        """Return the heads kept beside the chain and elsewhere."""
        beside = self.chain.kept_head()
        return [*([] if beside is None else [beside]), *self.known()]

    def _in_step(self, index: TrialIndex) -> End:
        """Bring the index to where the chain is, and return where that ends.

        The file that was read last, untouched since, is not read again. Any other is verified in full, and
        held against every head that was kept.
        """
        place, stamp = index.place(), _stamp(self.chain.path)
        if place is not None and stamp and place[0] == stamp:
            return place[1]
        heads = self._kept()
        if place is not None:
            heads.append(Head(place[1].length, place[1].hash, str(self.folder / INDEX)))
        entries, end = self.chain.read(heads)
        index.clear()
        self._fill(index, entries)
        if end is None:  # half a line follows: the next append has to read, and to write over it
            return End(len(entries), hashes_of(entries)[-1], -1)
        if stamp:
            index.commit(stamp, end)
        return end

    def _written(self, work: Callable[[TrialIndex, End], T]) -> T:
        """Return what `work` makes of the index and the end of the chain, alone among processes."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with alone(self.folder / LOCK):
                return self._indexed(self.folder / INDEX, work)
        except OSError as error:
            reason = error.strerror or error
            raise DataError(f"{self.folder}: cannot be written ({reason}); check the folder") from None

    def _asked(self, work: Callable[[TrialIndex, End], T]) -> T:
        """Return what `work` finds in the index; in memory where no file can be."""
        with ExitStack() as stack:
            path: Path | None = None
            with suppress(OSError):
                if self.chain.path.exists():
                    stack.enter_context(alone(self.folder / LOCK))
                    path = self.folder / INDEX
            return self._indexed(path, work)

    def _indexed(self, path: Path | None, work: Callable[[TrialIndex, End], T]) -> T:
        """Return what `work` makes of an index in step with the chain; of a new one where one is damaged."""
        for place in (path, path, None):
            try:
                with closing(TrialIndex(place)) as index:
                    return work(index, self._in_step(index))
            except sqlite3.Error:
                self._drop_index()
        raise DataError(f"{self.folder / INDEX}: cannot be used; remove it, it is made anew")

    def _drop_index(self) -> None:
        for name in (INDEX, f"{INDEX}-journal"):  # a journal alone would be played into the next index
            with suppress(OSError):
                (self.folder / name).unlink()


def _is_rerun(new: Trial, old: Trial) -> bool:
    return (new.first, new.last, new.rows, new.content) == (old.first, old.last, old.rows, old.content)


def _file_fault(path: Path) -> str:
    return f"{path}: is gone or holds something else than was registered; put it back from a copy"


def _line_of(entry: Entry, path: Path) -> _Line:
    """Return what one line of the chain says.

    Raises
    ------
    DataError
        It was written by a newer version, or by something else.
    """
    kind = _LINES.get(str(entry.record.get("what")))
    schema = entry.record.get("schema")
    if kind is None or not isinstance(schema, int) or schema > SCHEMA:
        raise DataError(
            f"{path}: line {entry.number + 1} was written by a newer version of geiger; update geiger, or "
            "name another folder with --runs-dir (which begins a new count)"
        )
    try:
        return fitted(dict(entry.record), kind)
    except Misfit as error:
        raise DataError(
            f"{path}: line {entry.number + 1} is no line of a register ({error}); put it back from a copy"
        ) from None


def _stamp(path: Path) -> str:
    """Return what tells whether a file was touched; empty where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return ""
    return ":".join(
        str(one) for one in (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    )
