"""What the live view says: all runs, one run, a training as it goes on, several side by side; as HTML.

Reads the folders of runs and logs and nothing else, and writes nothing. Names come from outside: each must be
the name of a run, and no link leads out of the folders.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import numpy as np

from geiger.cleaning import clean
from geiger.command_line import Folders
from geiger.errors import DataError, SettingError
from geiger.pages import comparison_of, page_of
from geiger.records import Answer, Epoch, Status
from geiger.report.small_chart import Floats, Line, small_chart
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.listing import (
    ANSWERS,
    NO_ANSWER,
    RUNNING,
    STATUSES,
    Choice,
    Listing,
    RunRow,
    age,
)
from geiger.runs.record import RECORD, RUN_NAME
from geiger.service.bounds import inside
from geiger.service.guard import POLICY
from geiger.service.tail import Tail, Told

if TYPE_CHECKING:
    from jinja2 import Environment

FRESH = 0.8  # seconds for which a listing counts: clients that ask meanwhile share it
ROWS = 200  # of the table, without asking for all
PAGES = 16  # that are kept, as long as the files behind them stay as they are
TAILS = 32  # logs that are followed at once
LAST_EPOCHS = 12
MOST_GOING = 6  # folds in training of which the epoch is told
COMPARED = 12  # runs side by side
LONGEST = 200  # characters of a name
BACK = (
    '<p class="eyebrow" style="max-width:76rem;margin:.8rem auto 0;padding:0 1rem">'
    '<a href="/">All runs</a></p>'
)
PAGE = '<div class="page">'
HEADS = (
    ("Answer", "verdict"),
    ("Run", "name"),
    ("p", "p"),
    ("Correlation", "correlation"),
    ("Sharpe (held)", "sharpe"),
    ("Age", "age"),
    ("Compare", ""),
)
FILTERS = ("symbol", "model", "answer", "status")
TONES: Mapping[str, str] = {Answer.SIGNAL: "found"}


class NoSuch(DataError):
    """There is no such run here."""


@dataclass(frozen=True)
class Query:
    """Which rows are asked for, by the words of an address; words that mean nothing are left out."""

    sort: str = "age"
    symbol: str = ""
    model: str = ""
    answer: str = ""
    status: str = ""
    all: str = ""

    @classmethod
    def of(cls, words: Mapping[str, str]) -> Query:
        """Return the query of an address."""
        return cls(**{name: clean(words[name])[:LONGEST] for name in vars(cls()) if words.get(name)})

    def __getitem__(self, name: str) -> str:
        return str(vars(self)[name])

    def address(self, **changes: str) -> str:
        """Return the words of an address with this query and changes.

        >>> Query(symbol="^GSPC").address(sort="p")
        '?sort=p&symbol=%5EGSPC'
        """
        words = {name: value for name, value in {**vars(self), **changes}.items() if value}
        if words.get("sort") == Query.sort:
            del words["sort"]
        return f"?{urlencode(words)}" if words else ""

    def choice(self) -> Choice:
        """Return it as a choice of rows.

        Raises
        ------
        SettingError
            A word is none of those that there are.
        """
        return Choice(sort=self.sort, **{name: self[name] or None for name in FILTERS})


@dataclass(frozen=True)
class Shown:
    """The cells of a row, in words."""

    answer: str
    tone: str
    p: str
    correlation: str
    sharpe: str
    age: str
    note: str
    progress: str


@dataclass(frozen=True)
class Part:
    """What one question of a page's script is answered with.

    Attributes
    ----------
    html : str
        The part of the page as it is now.
    then : str
        ``over`` where the page is another one by now, ``still`` where nothing will change any more; else
        empty.
    """

    html: str
    then: str = ""


class View:
    """The pages of two folders.

    Parameters
    ----------
    runs_dir, log_dir : Path
        The only folders that are read.
    """

    def __init__(self, runs_dir: Path, log_dir: Path) -> None:
        self._runs, self._log_dir = RunsFolder(runs_dir), log_dir
        self._folders = Folders.of(runs_dir, log_dir)
        self._listing = Listing(runs_dir, log_dir, follow=False)
        self._rows: tuple[float, list[RunRow]] = (float("-inf"), [])
        self._pages: OrderedDict[str, tuple[object, str]] = OrderedDict()
        self._tails: OrderedDict[str, Tail] = OrderedDict()
        self._lock, self._page_lock = threading.Lock(), threading.Lock()

    # ---- all runs ----

    def runs_page(self, query: Query) -> str:
        """Return the page of all runs."""
        rows = self.rows()
        return _render(
            "live_runs.html.j2", title="Runs", choices=_choices(rows, query), **self._table(rows, query)
        )

    def runs_part(self, query: Query) -> Part:
        """Return the part of that page which changes."""
        return Part(_render("live_rows.html.j2", **self._table(self.rows(), query)))

    def rows(self) -> list[RunRow]:
        """Return a row for every run, the newest first; clients that ask at once share one look."""
        with self._lock:
            made, rows = self._rows
            if time.monotonic() - made > FRESH:
                rows = self._listing.rows()
                self._rows = (time.monotonic(), rows)
            return rows

    def _table(self, rows: Sequence[RunRow], query: Query) -> dict[str, Any]:
        chosen, now = query.choice().of(rows), dt.datetime.now(dt.UTC)
        ended = [row for row in chosen if row.status != RUNNING]
        shown = ended if query.all else ended[:ROWS]
        return {
            "folders": self._folders,
            "query": query,
            "address": query.address(),
            "all": f"/{query.address(all='1')}",
            "sorted": {key: f"/{query.address(sort=key)}" for _, key in HEADS if key},
            "filtered": any(query[name] for name in FILTERS),
            "active": [row for row in chosen if row.status == RUNNING],
            "rows": [(row, _shown(row, now)) for row in shown],
            "counted": f"{len(ended)} run{'' if len(ended) == 1 else 's'}",
            "more": len(ended) - len(shown),
            "heads": HEADS,
            "first": self._folders.command("geiger", "train", "ridge", "AAPL", runs=True, logs=True),
        }

    # ---- one run ----

    def run_page(self, name: str) -> tuple[str, str]:
        """Return the page of a run, or of a training that goes on, and the policy to show it under.

        Raises
        ------
        NoSuch
            There is no such run.
        DataError
            It cannot be read.
        """
        stored = self._stored(name)
        if stored is None:
            row = self._row(name)
            return _render("live_run.html.j2", title=f"{row.symbol} {row.model}", **self._live(row)), POLICY
        log = self._log(name)
        page = self._kept(
            name,
            tuple(map(_stamp, (*_beside(stored.folder), *_both(log)))),
            lambda: page_of(stored, log, self._folders),
        )
        return page.replace(PAGE, f"{BACK}\n{PAGE}", 1), policy_of(page)

    def live_part(self, name: str) -> Part:
        """Return the part of the page of a training that changes.

        Raises
        ------
        NoSuch
            There is no such run.
        """
        if self._stored(name) is not None:
            return Part("", "over")
        row = self._row(name)
        html = _render("live_epochs.html.j2", **self._live(row))
        return Part(html, "" if row.status == RUNNING else "still")

    def compare_page(self, names: Sequence[str]) -> tuple[str, str]:
        """Return the page of several runs side by side, and its policy.

        Raises
        ------
        SettingError
            They are too few, too many, or cannot be compared.
        NoSuch
            One of them is no finished run.
        """
        names = list(dict.fromkeys(names))
        if not 2 <= len(names) <= COMPARED:
            raise SettingError(f"tick two to {COMPARED} runs to compare; {len(names)} are ticked")
        runs = [self._finished(name) for name in names]
        logs = [self._log(name) for name in names]
        stamps = [
            _stamp(path)
            for run, log in zip(runs, logs, strict=True)
            for path in (*_beside(run.folder), *_both(log))
        ]
        links = {name: f"/runs/{quote(name)}" for name in names}
        page = self._kept(
            "/".join(names), tuple(stamps), lambda: comparison_of(runs, logs, self._folders, links)
        )
        return page.replace(PAGE, f"{BACK}\n{PAGE}", 1), policy_of(page)

    def _finished(self, name: str) -> StoredRun:
        stored = self._stored(name)
        if stored is None:
            raise NoSuch(f"{clean(name)[:LONGEST]}: no finished run here is called so")
        return stored

    def _stored(self, name: str) -> StoredRun | None:
        """Return a finished run; None where there is none of that name, or not yet."""
        if len(name) > LONGEST or not RUN_NAME.fullmatch(name):
            raise NoSuch(f"{clean(name)[:LONGEST]!r} is no name of a run")
        folder = inside(self._runs.root, name, RECORD).parent
        if not (folder / RECORD).is_file():
            return None
        for path in _beside(folder):  # what the page reads as well; a pipe would hold it up for ever
            if path.is_symlink() or not path.is_dir():
                inside(self._runs.root, name, path.name)
        return self._runs.load(name)

    def _log(self, name: str) -> Path | None:
        """Return the log of a run; where a record says that it lies elsewhere, it is not looked for."""
        for suffix in (".jsonl", ".log"):
            path = inside(self._log_dir, f"{name}{suffix}")
        return path if path.is_file() else None

    def _row(self, name: str) -> RunRow:
        for row in self.rows():
            if row.name == name:
                return row
        raise NoSuch(f"{clean(name)}: no run here is called so")

    def _kept(self, key: str, stamp: object, make: Callable[[], str]) -> str:
        """Return a page that was made before of the same files, or make it; one at a time."""
        with self._page_lock:
            known = self._pages.pop(key, None)
            page = known[1] if known is not None and known[0] == stamp else make()
            self._pages[key] = (stamp, page)
            while len(self._pages) > PAGES:
                self._pages.popitem(last=False)
            return page

    def _tail(self, name: str) -> Tail:
        with self._lock:
            tail = self._tails.pop(name, None) or Tail(lambda: inside(self._log_dir, f"{name}.jsonl"))
            self._tails[name] = tail
            while len(self._tails) > TAILS:
                self._tails.popitem(last=False)
            return tail

    def _live(self, row: RunRow) -> dict[str, Any]:
        """Return what the page of a run without a record shows."""
        told = self._tail(row.name).read()
        member = told.shown()
        epochs = [] if member is None else sorted(told.epochs[member].values(), key=lambda one: one.epoch)
        goes_on = row.status == RUNNING
        analyze = self._folders.command("geiger", "logs", "analyze", row.name, logs=True)
        return {
            "row": row,
            "head": _head(row, told),
            "facts": _facts(row, told),
            "warnings": told.warnings[-5:],
            "next": "" if goes_on else analyze,
            "member": "" if member is None else f"Curves of fold {member[0]}, seed {member[1]}",
            "charts": _charts(epochs),
            "epochs": epochs[: -LAST_EPOCHS - 1 : -1],
            "without": _without(row, goes_on),
            "config": told.config,
        }


def policy_of(page: str) -> str:
    """Return the policy that a page states for itself, which may not be framed; ours where it states none."""
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    return POLICY if found is None else f"{found[1]}; frame-ancestors 'none'"


def _beside(folder: Path) -> list[Path]:
    """Return what lies in a folder; nothing where it has just gone."""
    with suppress(OSError):
        return sorted(folder.iterdir())
    return []


def _both(log: Path | None) -> tuple[Path, ...]:
    return () if log is None else (log, log.with_suffix(".jsonl"))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _choices(rows: Sequence[RunRow], query: Query) -> dict[str, list[str]]:
    """Return what can be chosen from, as far as there are runs of it; empty with fewer than two runs."""
    if len(rows) < 2:
        return {}
    answers = {row.answer or NO_ANSWER for row in rows}
    statuses = {row.status for row in rows}
    return {
        "symbol": sorted({row.symbol for row in rows}),
        "model": sorted({row.model for row in rows}),
        "answer": [str(one) for one in (*ANSWERS, NO_ANSWER) if one in answers],
        "status": [one for one in STATUSES if one in statuses],
    }


def _shown(row: RunRow, now: dt.datetime) -> Shown:
    tone = "wrong" if not row.recorded else TONES.get(row.answer, "" if row.answer else "quiet")
    return Shown(
        answer=row.answer_text(),
        tone=tone,
        p=row.p_text(),
        correlation=row.correlation_text(),
        sharpe=row.sharpe_text(),
        age=_age(row, now),
        note=row.note() if row.recorded else row.trouble,
        progress="" if row.recorded else row.progress(),
    )


def _age(row: RunRow, now: dt.datetime) -> str:
    """Return the age in words that do not change every second, or each client were told of each."""
    told = age(row.when, now)
    return "just now" if told.endswith("s") else told


def _head(row: RunRow, told: Told) -> str:
    """Return in a few words how the training stands."""
    if row.status == RUNNING:
        return "In training"
    if told.stopped:
        return f"Stopped: {told.stopped}"
    if told.status is Status.FAILED:
        return "The training FAILED: there are no figures"
    return "Killed, it seems: its log has not grown for a quarter of an hour"


def _facts(row: RunRow, told: Told) -> list[tuple[str, str]]:
    """Return how far a training has come."""
    settings = told.settings
    folds = None if settings is None else settings.folds
    most = None if settings is None else settings.epochs or settings.trees
    facts = [("Folds done", f"{len(told.folds)}{f' of {folds}' if folds else ''}")]
    of = f" of at most {most}" if most else ""
    for member in told.going()[:MOST_GOING]:
        facts.append((f"Fold {member[0]}, seed {member[1]}", f"epoch {max(told.epochs[member])}{of}"))
    facts.append(("Began", f"{row.when:%Y-%m-%d %H:%M:%S}"))
    return facts


def _without(row: RunRow, goes_on: bool) -> str:
    """Say why there are no epochs to show."""
    if row.model == "ridge":
        return "Ridge has no epochs: its log lists one row for each penalty tried, when a fold is done."
    return "None yet: they appear here as they come." if goes_on else "The log holds none."


def _charts(epochs: Sequence[Epoch]) -> list[tuple[str, str]]:
    """Return loss and spread by epoch, each with its sentence."""
    if len(epochs) < 2:
        return []

    def column(name: str) -> Floats:
        return np.array([getattr(epoch, name) for epoch in epochs], np.float64)

    number, ends = column("epoch"), (str(epochs[0].epoch), f"epoch {epochs[-1].epoch}")
    losses = [
        Line("loss", number, column("loss"), "var(--line1)"),
        Line("validation loss", number, column("val_loss"), "var(--line2)", "6 3"),
    ]
    spread = [Line("pred_std", number, column("pred_std"), "var(--line3)")]
    last = epochs[-1]
    drawn = (
        (
            f"Loss {last.loss:.4f} (solid) and validation loss {last.val_loss:.4f} (dashed).",
            small_chart("Loss and validation loss by epoch", losses, ends=ends, digits=3),
        ),
        (
            f"pred_std {last.pred_std:.4f}: spread of the forecasts beside that of the outcomes; near 0 the "
            "network says the same of every day.",
            small_chart("pred_std by epoch", spread, ends=ends, digits=3),
        ),
    )
    return [(caption, chart) for caption, chart in drawn if chart]


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("geiger.service", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def message_page(title: str, text: str) -> str:
    """Return a page that says one thing."""
    return _render("live_message.html.j2", title=title, text=clean(text))


def script() -> str:
    """Return the script of the pages."""
    return _file("geiger.service", "live.js")


def _render(template: str, **content: Any) -> str:
    return _environment().get_template(template).render(style=_style(), **content)


@cache
def _style() -> str:
    return _file("geiger.report", "page.css") + _file("geiger.service", "live.css")


def _file(package: str, name: str) -> str:
    return resources.files(package).joinpath(f"templates/{name}").read_text(encoding="utf-8")
