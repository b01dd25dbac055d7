"""What is looked up in the register without reading it: a copy of its lines in a small database beside it.

Nothing is known here that the register does not say: the copy is made anew where it is missing, damaged or of
another version, and wherever the register's file is not the very one that was read last.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from geiger.chain import End
from geiger.codec import compact
from geiger.evidence.series import Signs
from geiger.evidence.trial import Trial, trials_in

SCHEMA = 1
MEMORY = ":memory:"
SYMBOL, PANEL = "s", "p"  # what the names of series begin with

_TABLES = """
CREATE TABLE place (stamp TEXT, length INTEGER, hash TEXT, size INTEGER);
CREATE TABLE trials (
    number INTEGER PRIMARY KEY, root INTEGER, newest INTEGER, kind TEXT, key TEXT, series TEXT,
    symbol TEXT, first TEXT, last TEXT, trial TEXT
);
CREATE INDEX by_newest ON trials (newest);
CREATE INDEX by_root ON trials (root);
CREATE INDEX by_key ON trials (key);
CREATE INDEX by_series ON trials (series, kind, newest);
CREATE TABLE series (
    digest TEXT, series TEXT, symbol TEXT, covered INTEGER, first INTEGER, last INTEGER, start INTEGER,
    words BLOB, PRIMARY KEY (digest, symbol)
);
CREATE INDEX by_symbol ON series (symbol);
CREATE TABLE unsealed (series TEXT, key TEXT, first TEXT, last TEXT, at TEXT, run TEXT);
"""


@dataclass(frozen=True)
class KnownSeries:
    """Daily returns that were registered: under which digest and symbol, and of which series."""

    digest: str
    series: str
    symbol: str
    signs: Signs | None  # None where its file was gone when the index was made

    @property
    def of_panel(self) -> bool:
        """Whether they are those of many symbols held alike."""
        return self.series.startswith(PANEL)


@dataclass(frozen=True)
class Version:
    """One line of a trial, and the number of the first line of the same trial."""

    root: int
    trial: Trial


class TrialIndex:
    """The index, open; changes count once `commit` was called.

    Raises
    ------
    sqlite3.Error
        The file is no index, or cannot be written; every method may raise it.
    """

    def __init__(self, path: Path | None) -> None:
        self._base = sqlite3.connect(MEMORY if path is None else path, isolation_level=None)
        try:
            self._base.execute("BEGIN")
            if self._base.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
                self.clear()
        except BaseException:
            self._base.close()
            raise

    def close(self) -> None:
        """Forget what was not committed, and close the file."""
        with suppress(sqlite3.Error):
            self._base.execute("ROLLBACK")
        self._base.close()

    def clear(self) -> None:
        """Forget everything, as a change like others: it counts once it was committed."""
        tables = self._base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            self._base.execute(f'DROP TABLE "{name}"')
        for statement in filter(str.strip, _TABLES.split(";")):
            self._base.execute(statement)
        self._base.execute(f"PRAGMA user_version = {SCHEMA}")

    def place(self) -> tuple[str, End] | None:
        """Return the stamp of the register's file when it was read last, and where it ended."""
        row = self._base.execute("SELECT stamp, length, hash, size FROM place").fetchone()
        return None if row is None else (str(row[0]), End(int(row[1]), str(row[2]), int(row[3])))

    def commit(self, stamp: str, end: End) -> None:
        """Keep all changes, as of a register with this stamp and this end."""
        self._base.execute("DELETE FROM place")
        self._base.execute("INSERT INTO place VALUES (?, ?, ?, ?)", (stamp, end.length, end.hash, end.size))
        self._base.execute("COMMIT")
        self._base.execute("BEGIN")

    def note_trial(self, trial: Trial, continues: int | None) -> None:
        """Add a trial; the line that it continues is no longer the newest of its trial."""
        root = trial.number
        if continues is not None:
            row = self._base.execute("SELECT root FROM trials WHERE number = ?", (continues,)).fetchone()
            root = trial.number if row is None else int(row[0])
            self._base.execute("UPDATE trials SET newest = 0 WHERE root = ?", (root,))
        facts = trial.kind, trial.key, trial.series, trial.symbol, trial.first, trial.last
        values = trial.number, root, *facts, compact(trial).decode()
        self._base.execute("INSERT INTO trials VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?)", values)

    def note_series(self, known: KnownSeries, first: int, last: int) -> None:
        """Add daily returns from one day to another; earlier ones inside are covered by them."""
        signs = known.signs
        if signs is not None:
            self._base.execute(
                "UPDATE series SET covered = 1 WHERE series = ? AND symbol = ? AND first >= ? AND last <= ?",
                (known.series, known.symbol, first, last),
            )
        self._base.execute(
            "INSERT INTO series VALUES (?, ?, ?, 0, ?, ?, ?, ?)",
            (
                *(known.digest, known.series, known.symbol, first, last),
                *((None, None) if signs is None else (signs.start, signs.words.tobytes())),
            ),
        )

    def join(self, series: str, others: Iterable[str]) -> None:
        """Make other series one with this."""
        for table in ("trials", "series", "unsealed"):
            for other in others:
                self._base.execute(f"UPDATE {table} SET series = ? WHERE series = ?", (series, other))

    def note_unsealed(self, series: str, key: str, first: str, last: str, at: str, run: str) -> None:
        """Add that the lock-box was opened."""
        values = series, key, first, last, at, run
        self._base.execute("INSERT INTO unsealed VALUES (?, ?, ?, ?, ?, ?)", values)

    def unsealed(self, series: str, key: str, first: str, last: str) -> tuple[str, str] | None:
        """Return when and by which run a lock-box was opened that shares days; None where none was."""
        row = self._base.execute(
            "SELECT at, run FROM unsealed WHERE series = ? AND key = ? AND first <= ? AND last >= ? LIMIT 1",
            (series, key, last, first),
        ).fetchone()
        return None if row is None else (str(row[0]), str(row[1]))

    def returns_of(self, digest: str) -> KnownSeries | None:
        """Return the series whose daily returns have this digest."""
        return next(iter(self._series("digest = ?", (digest,))), None)

    def series_under(self, symbol: str) -> list[KnownSeries]:
        """Return what was registered under a symbol and nothing later covers."""
        return self._series("symbol = ? AND covered = 0", (symbol,))

    def series(self) -> list[KnownSeries]:
        """Return all daily returns that nothing later covers."""
        return self._series("covered = 0", ())

    def series_of(self, number: int) -> str:
        """Return the series of the trial of a line; empty where there is none."""
        row = self._base.execute("SELECT series FROM trials WHERE number = ?", (number,)).fetchone()
        return "" if row is None else str(row[0])

    def has_returns(self, digest: str, symbol: str) -> bool:
        """Whether daily returns were registered under a symbol."""
        query = "SELECT 1 FROM series WHERE digest = ? AND symbol = ?"
        return self._base.execute(query, (digest, symbol)).fetchone() is not None

    def by_age(self, series: Iterable[str]) -> list[str]:
        """Return series in the order in which they were first registered."""
        born = {
            one: self._base.execute("SELECT min(rowid) FROM series WHERE series = ?", (one,)).fetchone()[0]
            for one in series
        }
        return sorted(born, key=lambda one: int(born[one]))

    def symbols_of(self, series: str) -> set[str]:
        """Return every symbol under which a series was registered."""
        query = "SELECT DISTINCT symbol FROM series WHERE series = ?"
        return {str(row[0]) for row in self._base.execute(query, (series,))}

    def _series(self, where: str, values: Sequence[Any]) -> list[KnownSeries]:
        query = f"SELECT digest, series, symbol, start, words FROM series WHERE {where} ORDER BY rowid"
        rows = self._base.execute(query, values)
        return [KnownSeries(d, series, symbol, _signs(*signs)) for d, series, symbol, *signs in rows]

    def versions(self, kind: str, key: str, series: str) -> list[Version]:
        """Return every line of the trials with this key on this series, in order."""
        query = "SELECT trial, root FROM trials WHERE key = ? AND kind = ? AND series = ? ORDER BY number"
        rows = self._base.execute(query, (key, kind, series)).fetchall()
        trials = _trials((series, text) for text, _ in rows)
        return [Version(root, trial) for trial, (_, root) in zip(trials, rows, strict=True)]

    def sharing(self, kind: str, series: str, first: str, last: str) -> tuple[Trial, ...]:
        """Return the newest line of each trial that shares days, in order."""
        query = (
            "SELECT series, trial FROM trials WHERE series = ? AND kind = ? AND newest = 1 "
            "AND first <= ? AND last >= ? ORDER BY number"
        )
        return _trials(self._base.execute(query, (series, kind, last, first)))

    def among(self, trial: Trial) -> tuple[Trial, ...]:
        """Return the same for the days of a trial, itself in place of the newest line of its own."""
        newest = self._base.execute(
            "SELECT number FROM trials WHERE newest = 1 AND root = "
            "(SELECT root FROM trials WHERE number = ?)",
            (trial.number,),
        ).fetchone()
        own = trial.number if newest is None else int(newest[0])
        others = self.sharing(trial.kind, trial.series, trial.first, trial.last)
        return tuple(sorted([trial, *(one for one in others if one.number != own)], key=_number))

    def trials(self) -> tuple[Trial, ...]:
        """Return every line that is a trial, in order."""
        return _trials(self._base.execute("SELECT series, trial FROM trials ORDER BY number"))

    def distinct(self) -> int:
        """Return how many trials there are, each counted once."""
        return int(self._base.execute("SELECT count(*) FROM trials WHERE newest = 1").fetchone()[0])

    def content(self) -> list[tuple[Any, ...]]:
        """Return all that the register itself says, for comparing two indexes."""
        columns = {"trials": "*", "series": "digest, series, symbol", "unsealed": "*"}
        found: list[tuple[Any, ...]] = []
        for table, names in columns.items():
            found += sorted(self._base.execute(f"SELECT {names} FROM {table}").fetchall(), key=repr)
        return found


def _number(trial: Trial) -> int:
    return trial.number


def _trials(rows: Iterable[tuple[str, str]]) -> tuple[Trial, ...]:
    """Return trials of series and text; the series is what a trial's own was joined to meanwhile.

    Raises
    ------
    sqlite3.DatabaseError
        A text is no trial: the index was changed by somebody else.
    """
    known = list(rows)
    found = trials_in(f"[{','.join(text for _, text in known)}]")  # all at once: thousands take milliseconds
    if found is None or len(found) != len(known):
        raise sqlite3.DatabaseError("a trial cannot be read")
    return tuple(
        trial if trial.series == series else replace(trial, series=series)
        for trial, (series, _) in zip(found, known, strict=True)
    )


def _signs(start: int | None, words: bytes | None) -> Signs | None:
    if start is None or words is None:
        return None
    return Signs(start, np.frombuffer(words, dtype=np.uint64).reshape(3, -1))
