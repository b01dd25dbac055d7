"""A folder of run logs: what each says in short, read once as long as its files stay as they are.

What was read is remembered in the index (`geiger.analysis.index`), and which logs have been analyzed. Logs
are data: nothing in them is obeyed, and a link that leads out of the folder is not followed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from geiger.analysis.index import INDEX, Index, Key, KnownLog, Stamp, decoded, encoded
from geiger.checks.base import Case
from geiger.checks.catalogue import ask_all
from geiger.checks.inputs import stale_from
from geiger.checks.result import result_of
from geiger.checks.trends import Brief
from geiger.cleaning import clean, clean_setting, cleaned, spotless
from geiger.codec import compact
from geiger.command_line import RUNS_DIR, Folders
from geiger.errors import DataError, did_you_mean
from geiger.records import RunLog
from geiger.runlog import read_log, read_text
from geiger.runlog.facts import STILL_RUNNING
from geiger.runlog.verdict import answer_in

__all__ = ["INDEX", "KnownLog", "LogBook", "Stamp"]

LARGEST = 64 * 2**20  # bytes of a log that is read
MOST_SUGGESTED = 200  # newest names among which the nearest to a wrong one is sought
WORTH_PROCESSES = 400  # unread logs from which more than one process pays
AT_ONCE = 50  # logs that are remembered together: a kill costs no more of them in each process
SPARE = 100  # outdated lines of the index, from which it is written anew when they are the larger part
LATEST = "latest"
NO_TIME = "20240105_143022"  # as long as the time of a name
_NAME = re.compile(r"(?P<stem>.+)_(?P<when>\d{8}_\d{6})")
_PARTS = ((0, 4), (4, 6), (6, 8), (9, 11), (11, 13), (13, 15))  # of `when`: year to second


class LogBook:
    """The logs of one folder.

    Parameters
    ----------
    folder : path
    keep : bool
        Whether the index is written; without it nothing is ever written.
    today : date, optional
        By default the present.
    runs : path
        Where the runs lie, for the commands on them; by default where each log says.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        keep: bool = True,
        today: dt.date | None = None,
        runs: Path | str = RUNS_DIR,
    ) -> None:
        self.folder = Path(folder)
        self.places = Folders(_shown(runs), _shown(folder))
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
                    if suffix not in ("log", "jsonl") or not (stem in stamps or _is_name(stem)):
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
            itself = path.lstat().st_mode
            if not stat.S_ISLNK(itself):
                return stat.S_ISREG(itself)
            target = path.resolve(strict=True)
            return target.is_file() and target.is_relative_to(self.folder.resolve())
        except (OSError, ValueError, RuntimeError):  # RuntimeError: links that lead in a circle, Python 3.11
            return False

    def logs(self, on_read: Callable[[str], None] = lambda name: None) -> list[KnownLog]:
        """Return every log, by name; those that changed since the index are read, the others are not.

        `on_read` is told of each log that is read. What was read is remembered as it comes, so that a kill
        costs the last ones only.
        """
        stamps, known = self.names(), self._load()
        fresh, unread = self._sorted_out(stamps, known)
        for some in self._read(unread):
            again = [replace(one, analyzed=one.key in known and known[one.key].analyzed) for one in some]
            self._add(again)
            for one in again:
                on_read(one.name)
                fresh[one.name] = one
        outdated = [key for key in known if stamps.get(key[0]) != key[1]]
        if any(name not in stamps for name, _ in outdated) or len(outdated) > max(SPARE, len(fresh)):
            self._tidy()
        return [fresh[name] for name in stamps]

    def _sorted_out(
        self, stamps: dict[str, Stamp], known: dict[Key, KnownLog]
    ) -> tuple[dict[str, KnownLog], list[Key]]:
        """Return the logs that are known as they are now, by name, and the others."""
        now, fresh, unread = time.time(), {}, []
        for key in stamps.items():
            one = known.get(key)
            if one is not None and one.holds(now, self.today):
                fresh[one.name] = one
            else:
                unread.append(key)
        return fresh, unread

    def unread(self) -> list[str]:
        """Return the logs that changed since the index, by name: those that `logs` will read."""
        return [name for name, _ in self._sorted_out(self.names(), self._load())[1]]

    def mark(self, read: Iterable[KnownLog]) -> None:
        """Remember that these logs were analyzed as they were read; one whose run has not ended stays new."""
        self._mark([one for one in read if one.brief.status and not one.analyzed])

    def case(self, name: str, before: Case | None = None) -> Case:
        """Return one log as its checks see it.

        Raises
        ------
        DataError
            There is no such log here, it cannot be read, or it is none.
        """
        return self._case(self.path(name), before)

    def _case(self, path: Path, before: Case | None = None) -> Case:
        events = path.with_suffix(".jsonl")
        files = [path, events] if self._ours(events) else [path]
        facts = [file.stat() for file in files]
        for file, fact in zip(files, facts, strict=True):
            if fact.st_size > LARGEST:
                raise DataError(f"{clean(file.name)}: {fact.st_size >> 20} MB is no log; move it away")
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
            idle=max(0.0, time.time() - max(fact.st_mtime for fact in facts)),
            today=self.today,
            before=before,
            folders=self.places,
        )

    def path(self, name: str) -> Path:
        """Return the file of a log; `name` is its stem, its file name, or a path to it in this folder.

        The beginning of a stem means the newest such log, and ``latest`` the newest of all.

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
        names = list(self.names())
        begun = [one for one in names if name == LATEST or (name and one.startswith(name))]
        if begun:
            newest = max(begun, key=lambda one: (one[-len(NO_TIME) :], one))
            return self.folder / f"{newest}.log"
        near = did_you_mean(stem, names[-MOST_SUGGESTED:]).partition("? Known")[0]
        hint = f"{near}?" if near.startswith("did you mean") else f"`{self._listing()}` shows those there are"
        raise DataError(f"{clean(self.folder)}: no log {clean(name)!r} there; {clean(hint)}")

    def _listing(self) -> str:
        return self.places.command("geiger", "logs", "list", logs=True)

    def _read(self, unread: Sequence[Key]) -> Iterator[list[KnownLog]]:
        """Yield the logs, some at once; where they are many, processes read them."""
        some = [unread[i : i + AT_ONCE] for i in range(0, len(unread), AT_ONCE)]
        if len(unread) < WORTH_PROCESSES:
            yield from ([self.read(*key) for key in keys] for keys in some)
            return
        from geiger.analysis.readers import read_apart

        tasks = [(self.folder, self.today, keys) for keys in some]
        for keys, lines in zip(some, read_apart(read_some, tasks), strict=True):
            known = decoded(lines)
            yield [known.get(key) or self.read(*key) for key in keys]

    def read(self, name: str, stamp: Stamp) -> KnownLog:
        """Return one log as it is read now; `stamp` is what `names` said of it before."""
        try:
            path = self.folder / f"{name}.log"
            case = self._case(path if self._ours(path) else self.path(name))
            return known_log(case, brief_of(case), stamp)
        except Exception as error:  # whatever is wrong with one log, it hides no other
            return KnownLog(Brief(name, trouble=clean(error)), stamp)

    @property
    def _index(self) -> Index:
        return Index(self.folder, checks_hash(), keep=self.keep)

    def _load(self) -> dict[Key, KnownLog]:
        """Return what is remembered."""
        return self._index.load()

    def _add(self, logs: Sequence[KnownLog]) -> None:
        """Remember these logs as well."""
        self._index.add(encoded(logs))

    def _mark(self, logs: Sequence[KnownLog]) -> None:
        """Remember that these logs were analyzed."""
        self._index.mark(logs)

    def _tidy(self) -> None:
        """Forget the logs that went or changed."""
        self._index.tidy(self.names)


def _shown(folder: Path | str) -> str:
    """Return a folder as a command names it."""
    return str(folder) if str(folder).isprintable() else clean(folder)


def _is_name(stem: str) -> bool:
    """Whether a log may be called so: one printable line, as it is shown; others are passed over."""
    return bool(stem) and not stem.startswith(".") and clean(stem) == stem


def read_some(task: tuple[Path, dt.date, Sequence[Key]]) -> bytes:
    """Return the lines of the index for some logs of a folder."""
    folder, today, keys = task
    book = LogBook(folder, keep=False, today=today)
    return encoded(book.read(name, stamp) for name, stamp in keys)


def known_log(case: Case, brief: Brief, stamp: Stamp) -> KnownLog:
    """Return what is remembered of one log: its brief, and until when that stays as it is."""
    until = None
    if case.log.status is None and case.idle is not None and case.idle < STILL_RUNNING:
        until = time.time() - case.idle + STILL_RUNNING
    stale = stale_from(case.settings)
    fresh = stale is not None and case.today.toordinal() < stale <= dt.date.max.toordinal()
    return KnownLog(brief, stamp, until=until, until_day=stale if fresh else None)


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
        judged_to="" if log.judged is None else log.judged.data_to,
        panel=case.is_panel,
        answer=str(answer_in(log.verdict[0]) or ""),
        p=p_of(case),
        line=_line_of(case),
    )


def p_of(case: Case) -> float | None:
    """Return the p of the verdict, with all tries counted where they are known."""
    judged = case.log.judged
    if judged is None:
        return None
    p = judged.p_value if judged.corrected_p is None else judged.corrected_p
    return p if p is not None and math.isfinite(p) else None


def _line_of(case: Case) -> str:
    """Return the line that makes a run once more, the folder of logs left out."""
    commands = replace(case, folders=Folders()).commands
    if not case.is_backtest:
        return commands.train()
    rule = case.settings.rule
    return commands.backtest(*([("--rule", rule)] if rule and not case.is_panel else []))


def began(name: str) -> dt.datetime | None:
    """Return the local time in a log's name.

    >>> began("AAPL_lstm_20251229_143022")
    datetime.datetime(2025, 12, 29, 14, 30, 22)
    """
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(found["when"][i:j]) for i, j in _PARTS)
    try:
        return dt.datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None


def cleaned_log(log: RunLog) -> RunLog:
    """Return a log with every text in it safe to show: what lies on disk may have been written by anyone."""
    if _spotless(log):
        return log
    card = log.scorecard
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
        judged=None if log.judged is None else cleaned(log.judged),
        audit=None if log.audit is None else cleaned(log.audit),
        stopped=clean(log.stopped),
        warnings=tuple(cleaned(notice) for notice in log.warnings),
    )


def _spotless(log: RunLog) -> bool:
    """Whether cleaning would change nothing; False where that takes a closer look."""
    said = (log.config, log.settings, log.assessment, log.folds, log.trainings, log.figures, log.checkpoints)
    try:
        text = compact((*said, log.scorecard, log.verdict, log.judged, log.audit, log.stopped, log.warnings))
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
    return spotless(text) and not any(":" in name for name, _ in log.config)


@cache
def checks_hash() -> str:
    """Return a hash of the source of checks and readers, so that an index of other checks is not used."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    sources = [*(root / "checks").glob("*.py"), *(root / "runlog").glob("*.py"), Path(__file__)]
    sources += [root / f"{name}.py" for name in ("cleaning", "codec", "figures", "metrics", "records")]
    for path in sorted(sources):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
