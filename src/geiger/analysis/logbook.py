"""A folder of run logs, and a small index that remembers what was read.

The index (``.logbook.json`` in the folder) holds a brief of each log with the size and time of its files,
so that only logs that changed are read again, and which logs have been analyzed. It is a cache: deleting it
costs time and makes every log new. Logs are data: nothing in them is obeyed, and a link that leads out of the
folder is not followed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from geiger.checks.base import Case
from geiger.checks.catalogue import ask_all
from geiger.checks.result import result_of
from geiger.checks.trends import Brief
from geiger.cleaning import clean, clean_setting, cleaned, spotless, texts_in
from geiger.errors import DataError, did_you_mean
from geiger.files import write_atomically
from geiger.records import RunLog
from geiger.runlog import read_log, read_text

INDEX = ".logbook.json"
SCHEMA = 1
LARGEST = 64 * 2**20  # bytes of a log that is read
MOST_SUGGESTED = 200  # newest names among which the nearest to a wrong one is sought
WORTH_PROCESSES = 400  # unread logs from which more than one process pays
_NAME = re.compile(r"(?P<stem>.+)_(?P<when>\d{8}_\d{6})")
Stamp = tuple[int, int, int, int]  # size and mtime_ns of the log, and of its events


@dataclass(frozen=True)
class KnownLog:
    """One log of the folder: its brief, the stamp of its files, and whether it was analyzed as it is now."""

    brief: Brief
    stamp: Stamp
    analyzed: bool = False

    @property
    def name(self) -> str:
        """Stem of the log."""
        return self.brief.name


class LogBook:
    """The logs of one folder.

    Parameters
    ----------
    folder : path
    keep : bool
        Whether the index is written; without it nothing is ever written.
    today : date, optional
        By default the present.
    """

    def __init__(self, folder: Path | str, *, keep: bool = True, today: dt.date | None = None) -> None:
        self.folder = Path(folder)
        self.keep = keep
        self.today = today or dt.date.today()

    def names(self) -> dict[str, Stamp]:
        """Return the stem and the stamp of every log, by name.

        Raises
        ------
        DataError
            The folder cannot be listed.
        """
        stamps: dict[str, dict[str, tuple[int, int]]] = {}
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    stem, _, suffix = entry.name.rpartition(".")
                    if suffix not in ("log", "jsonl") or not _is_name(stem):
                        continue
                    with suppress(OSError):  # gone since it was listed
                        if self._ours(Path(entry.path)) if entry.is_symlink() else entry.is_file():
                            facts = entry.stat()
                            stamps.setdefault(stem, {})[suffix] = (facts.st_size, facts.st_mtime_ns)
        except FileNotFoundError:
            raise DataError(
                f"{self.folder}: no such folder; `geiger train` makes it, or name it with --log-dir"
            ) from None
        except OSError as error:
            raise DataError(
                f"{self.folder}: cannot be listed ({error.strerror}); name a folder of logs"
            ) from None
        return {
            stem: (*found["log"], *found.get("jsonl", (0, 0)))
            for stem, found in sorted(stamps.items())
            if "log" in found
        }

    def _ours(self, path: Path) -> bool:
        """Whether this is a file of the folder, and not a link that leads out of it."""
        try:
            if not path.is_symlink():
                return path.is_file()
            target = path.resolve(strict=True)
            return target.is_file() and target.is_relative_to(self.folder.resolve())
        except (OSError, ValueError, RuntimeError):  # RuntimeError: links that lead in a circle, Python 3.11
            return False

    def logs(self, on_read: Callable[[str], None] = lambda name: None) -> list[KnownLog]:
        """Return every log, by name; those that changed since the index are read, the others are not.

        `on_read` is told of each log that is read.
        """
        stamps, known = self.names(), self._load()
        fresh = {
            name: known[name]
            for name, stamp in stamps.items()
            if name in known and known[name].stamp == stamp
        }
        unread = [name for name in stamps if name not in fresh]
        for brief in self._briefs(unread):
            on_read(brief.name)
            fresh[brief.name] = KnownLog(brief, stamps[brief.name])
        if unread or known.keys() - stamps.keys():
            self._save(fresh)
        return [fresh[name] for name in stamps]

    def unread(self) -> list[str]:
        """Return the logs that changed since the index, by name: those that `logs` will read."""
        stamps, known = self.names(), self._load()
        return [name for name, stamp in stamps.items() if name not in known or known[name].stamp != stamp]

    def mark(self, read: Iterable[KnownLog]) -> None:
        """Remember that these logs were analyzed as they were read; one whose run has not ended stays new."""
        known = self._load()
        done = {
            one.name: replace(one, analyzed=True)
            for one in read
            if one.brief.status and one.name in known and known[one.name].stamp == one.stamp
        }
        if done:
            self._save(known | done)

    def case(self, name: str, before: Case | None = None) -> Case:
        """Return one log as its checks see it.

        Raises
        ------
        DataError
            There is no such log here, it cannot be read, or it is none.
        """
        path = self.path(name)
        events = path.with_suffix(".jsonl")
        files = [path, events] if self._ours(events) else [path]
        for file in files:
            if (size := file.stat().st_size) > LARGEST:
                raise DataError(f"{clean(file.name)}: {size >> 20} MB is no log; move it away")
        grew = max(file.stat().st_mtime for file in files)
        log = cleaned_log(read_log(path) if events in files else read_text(path))
        if not (log.lines or log.config or log.epochs or log.status):
            why = "no section of a run log stands in it" if path.stat().st_size else "it is empty"
            raise DataError(
                f"{clean(path.name)}: not a log I can read: {why}; save it as UTF-8 text, or move it away"
            )
        return Case(
            name=path.stem,
            log=log,
            began=began(path.stem),
            idle=max(0.0, time.time() - grew),
            today=self.today,
            before=before,
        )

    def path(self, name: str) -> Path:
        """Return the file of a log; `name` is its stem, its file name, or a path to it in this folder.

        Raises
        ------
        DataError
            There is none.
        """
        given = Path(name)
        stem = given.name.removesuffix(".log").removesuffix(".jsonl")
        with suppress(OSError, ValueError):
            inside = given.name == name or given.parent.resolve() == self.folder.resolve()
            path = self.folder / f"{stem}.log"
            if inside and _is_name(stem) and self._ours(path):
                return path
        near = did_you_mean(stem, list(self.names())[-MOST_SUGGESTED:]).partition("? Known")[0]
        hint = f"{near}?" if near.startswith("did you mean") else "`geiger logs list` shows those there are"
        raise DataError(f"{clean(self.folder)}: no log {clean(name)!r} there; {clean(hint)}")

    def _briefs(self, names: Sequence[str]) -> Iterable[Brief]:
        if len(names) < WORTH_PROCESSES:
            return map(self._brief, names)
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            return list(pool.map(self._brief, names, chunksize=50))

    def _brief(self, name: str) -> Brief:
        try:
            return brief_of(self.case(name))
        except Exception as error:  # whatever is wrong with one log, it hides no other
            return Brief(name, trouble=clean(error))

    def _load(self) -> dict[str, KnownLog]:
        """Return what the index remembers; one that is damaged or of other checks remembers nothing."""
        try:
            stored = json.loads((self.folder / INDEX).read_text(encoding="utf-8"))
            if (stored["schema"], stored["checks"]) != (SCHEMA, checks_hash()):
                return {}
            return {name: _known_log(name, one) for name, one in stored["logs"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return {}

    def _save(self, known: dict[str, KnownLog]) -> None:
        """Write the index; a folder that cannot be written costs time and nothing else."""
        if not self.keep:
            return
        logs = {
            name: {"stamp": one.stamp, "analyzed": one.analyzed, "brief": asdict(one.brief)}
            for name, one in known.items()
        }
        text = json.dumps({"schema": SCHEMA, "checks": checks_hash(), "logs": logs})
        with suppress(DataError):
            write_atomically(self.folder / INDEX, text.encode())


def _is_name(stem: str) -> bool:
    """Whether a log may be called so: one printable line, as it is shown; others are passed over."""
    return bool(stem) and not stem.startswith(".") and clean(stem) == stem


def _known_log(name: str, stored: dict[str, Any]) -> KnownLog:
    known = {field.name for field in fields(Brief)}
    brief = Brief(**{key: value for key, value in stored["brief"].items() if key in known})
    if brief.name != name or not all(
        isinstance(value, dict) for value in (brief.figures, brief.lines, brief.findings)
    ):
        raise ValueError(f"{name}: no brief")
    a, b, c, d = (int(number) for number in stored["stamp"])
    return KnownLog(brief, (a, b, c, d), bool(stored["analyzed"]))


def brief_of(case: Case) -> Brief:
    """Return what the comparison of many runs needs of one."""
    log, findings = case.log, ask_all(case)
    result = result_of(case, findings)
    places = {figure.name: log.lines.get(f"FINAL METRICS/{figure.name}") for figure in log.figures}
    places["STATUS"] = log.lines.get(f"STATUS/{log.status}")
    return Brief(
        name=case.name,
        symbol=case.symbol,
        model=case.kind,
        began=case.began.isoformat() if case.began else "",
        status=str(log.status or ""),
        recipe=case.settings.recipe or "",
        data=case.config.get("Data Hash", case.config.get("Days", "")),
        of=case.settings.forecasts_of or "",
        trained=case.model,
        figures={
            figure.name: float(figure.value)
            for figure in reversed(log.figures)  # of two of one name the first counts, as for the checks
            if figure.value is not None and abs(figure.value) < 1e100
        },
        lines={name: line for name, line in places.items() if line is not None},
        findings={finding.code: str(finding.severity) for finding in findings},
        result=str(result.word) if result else "",
    )


def began(name: str) -> dt.datetime | None:
    """Return the local time in a log's name.

    >>> began("AAPL_lstm_20251229_143022")
    datetime.datetime(2025, 12, 29, 14, 30, 22)
    """
    found = _NAME.fullmatch(name)
    try:
        return dt.datetime.strptime(found["when"], "%Y%m%d_%H%M%S") if found else None
    except ValueError:
        return None


def cleaned_log(log: RunLog) -> RunLog:
    """Return a log with every text in it safe to show: what lies on disk may have been written by anyone."""
    card = log.scorecard
    said = (log.config, log.settings, log.assessment, log.folds, log.trainings, log.figures, log.checkpoints)
    texts = texts_in((*said, card, log.verdict, log.stopped, log.warnings))
    if spotless(texts) and not any(":" in name for name, _ in log.config):
        return log
    return replace(
        log,
        config=tuple(clean_setting(name, value) for name, value in log.config),
        settings=None if log.settings is None else cleaned(log.settings),
        assessment=None if log.assessment is None else cleaned(log.assessment),
        folds=tuple(cleaned(fold) for fold in log.folds),
        trainings=tuple(cleaned(training) for training in log.trainings),
        figures=tuple(cleaned(figure) for figure in log.figures),
        checkpoints=tuple(cleaned(point) for point in log.checkpoints),
        scorecard=replace(
            card,
            scores=tuple(cleaned(score) for score in card.scores),
            rungs=tuple(cleaned(rung) for rung in card.rungs),
            folds=tuple(cleaned(fold) for fold in card.folds),
            notes=tuple(clean(note) for note in card.notes),
        ),
        verdict=tuple(clean(line) for line in log.verdict),
        stopped=clean(log.stopped),
        warnings=tuple(cleaned(notice) for notice in log.warnings),
    )


@cache
def checks_hash() -> str:
    """Return a hash of the source of checks and readers, so that an index of other checks is not used."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    sources = [*(root / "checks").glob("*.py"), *(root / "runlog").glob("*.py"), Path(__file__)]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
