"""A finished run as people hold it in Python: it shows itself in a notebook, prints itself, gives frames.

What `geiger.run` and `geiger.panel` return has this face, and so has a run that `geiger.open_run` reads back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from geiger.cleaning import clean
from geiger.command_line import LOG_DIR, RUNS_DIR, Folders
from geiger.errors import DataError
from geiger.figures import FigureName
from geiger.files import write_atomically
from geiger.records import AuditSummary, Figure, Notice, Status, Verdict, as_text
from geiger.report.small_chart import Line, small_chart
from geiger.runs.folder import LATEST, RunsFolder, StoredRun
from geiger.runs.gist import Gist, gist_of
from geiger.runs.listing import RunRow
from geiger.runs.listing import rows as rows_of
from geiger.runs.record import OwnParts, RunRecord, read_record

PAGE = "report.html"
SHOWN = (  # figures of a notebook, each with the one that it must be read beside
    (FigureName.SHARPE, FigureName.BUY_AND_HOLD_SHARPE, "buy and hold"),
    (FigureName.DIRECTION_ACCURACY, FigureName.BASE_RATE, "base rate"),
    (FigureName.CORRELATION, FigureName.PREDICTION_STD, "pred_std"),
    (FigureName.MAX_DRAWDOWN, FigureName.TURNOVER_A_YEAR, "turnover a year"),
)


class Finished(Protocol):
    """What is known of a finished run without reading its folder."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def log(self) -> Path | None:
        """Its log."""


class ShowsItself:
    """The face of a finished run."""

    @property
    def record(self: Finished) -> RunRecord:
        """What its folder says of it now: a later audit or verdict stands there, too."""
        return stored_of(self).record

    @property
    def symbol(self: Finished) -> str:
        """Its symbol; of a panel its name."""
        return stored_of(self).record.symbol

    @property
    def gist(self: Finished) -> Gist:
        """The first ten lines on it: the answer, how much, what is wrong, what to type now."""
        return _gist(self)

    @property
    def figures(self: Finished) -> dict[str, float | None]:
        """Every figure of FINAL METRICS by its name; None where it is undefined."""
        return {figure.name: figure.value for figure in stored_of(self).record.results.figures}

    @property
    def ledger(self: Finished) -> pl.DataFrame:
        """The LEDGER frame: one row a holding interval."""
        return stored_of(self).ledger()

    @property
    def returns(self: Finished) -> pl.DataFrame:
        """Simple returns by the day on which they became known: the strategy's, net, and the asset's.

        Of a panel the asset is all symbols of the day alike.
        """
        return returns_of(stored_of(self).ledger())

    def report(self: Finished, path: Path | str | None = None) -> Path:
        """Write the page of the run, and return where it is: by default in its folder."""
        from geiger.pages import page_of

        out = self.folder / PAGE if path is None else Path(path)
        write_atomically(out, page_of(stored_of(self), self.log, _folders(self)).encode())
        return out

    def _repr_html_(self: Finished) -> str:
        return html_of(self)

    def __repr__(self: Finished) -> str:
        gist = _gist(self)
        return clean(f"<{gist.title}: {gist.answer or 'no verdict'} ({self.folder.name})>")

    def __str__(self: Finished) -> str:
        gist = _gist(self)
        facts = [f"  {clean(f'{name}: {text}')}" for name, text in gist.facts[:3]]
        return "\n".join([clean(f"{gist.title}: {gist.headline}"), *facts, f"  Next: {clean(gist.next)}"])


@dataclass(frozen=True, eq=False, repr=False)
class OpenedRun(ShowsItself):
    """A finished run, read back from its folder."""

    stored: StoredRun
    log: Path | None = None

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self.stored.folder

    @property
    def name(self) -> str:
        """Its name: the stem of its log."""
        return self.stored.name

    @property
    def model(self) -> str:
        """The model that was trained, or whose forecasts were traded."""
        return self.stored.record.model

    @property
    def status(self) -> Status:
        """How it ended."""
        return self.stored.record.status

    @property
    def verdict(self) -> Verdict | None:
        """Whether its forecasts know something; None where nobody judged them."""
        return self.stored.record.verdict

    @property
    def audit(self) -> AuditSummary | None:
        """Of the time-travel audit; None where there was none."""
        return self.stored.record.audit

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Its warnings."""
        return self.stored.record.warnings

    @property
    def forecasts_of(self) -> str | None:
        """Of a backtest: the run whose forecasts it traded."""
        return self.stored.record.forecasts_of

    @property
    def trained(self) -> str:
        """The run that made the forecasts."""
        return self.stored.trained

    @property
    def own(self) -> OwnParts:
        """What of it is the user's own."""
        return self.stored.record.own

    @cached_property
    def forecasts(self) -> pl.DataFrame:
        """The FORECASTS frame, or PANEL_FORECASTS of a panel: test rows only."""
        return self.stored.panel_forecasts() if self.stored.record.members else self.stored.forecasts()


def open_run(
    name: str | Path = LATEST, runs_dir: Path | str = RUNS_DIR, log_dir: Path | str = LOG_DIR
) -> OpenedRun:
    """Return a finished run.

    Parameters
    ----------
    name : str or path
        Its name, the beginning of one (the newest such run is meant), ``latest``, or its folder.
    runs_dir, log_dir : path
        Where runs and logs lie.

    Raises
    ------
    DataError
        There is no such run, or its record cannot be read.

    Examples
    --------
    >>> geiger.open_run("AAPL_ridge").verdict.answer  # doctest: +SKIP
    <Answer.CANNOT_TELL: 'CANNOT TELL'>
    """
    from geiger.report.gather import log_of

    place = Path(name)
    inside = place.name == str(name)
    runs = RunsFolder(Path(runs_dir) if inside else place.parent)
    stored = runs.named(place.name)
    return OpenedRun(stored, log_of(stored, Path(log_dir)))


def runs(runs_dir: Path | str = RUNS_DIR, log_dir: Path | str = LOG_DIR) -> pl.DataFrame:
    """Return every run as a row of a frame, the newest first; the columns are those of `RunRow`.

    Examples
    --------
    >>> geiger.runs().filter(pl.col("answer") == "SIGNAL").to_pandas()  # doctest: +SKIP
    """
    return frame_of(rows_of(Path(runs_dir), Path(log_dir)))


_COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("name", "symbol", "model", "kind"), pl.String),
    "panel": pl.Boolean,
    **dict.fromkeys(("recipe", "status", "answer", "sentence"), pl.String),
    **dict.fromkeys(("corrected_p", "correlation", "correlation_error", "sharpe", "held_sharpe"), pl.Float64),
    "audit": pl.String,
    "when": pl.Datetime("us", "UTC"),
    **dict.fromkeys(("fold", "epoch"), pl.Int64),
    "trouble": pl.String,
}
_EMPTY = ("recipe", "answer", "sentence", "audit", "trouble")  # a text of nothing is missing there


def frame_of(rows: Iterable[RunRow]) -> pl.DataFrame:
    """Return rows of a listing as a frame."""
    frame = pl.DataFrame([{name: getattr(row, name) for name in _COLUMNS} for row in rows], schema=_COLUMNS)
    return frame.with_columns(pl.col(name).replace("", None) for name in _EMPTY)


def stored_of(run: Finished) -> StoredRun:
    """Return what a run's folder holds now.

    Raises
    ------
    DataError
        It is gone, or cannot be read.
    """
    record = read_record(run.folder)
    if record is None:
        raise DataError(f"{run.folder}: the run is gone; train again")
    return StoredRun(run.folder, record)


def returns_of(ledger: pl.DataFrame) -> pl.DataFrame:
    """Return day, strategy and asset of a LEDGER frame."""
    return ledger.select(day="exit_day", strategy="net", asset="asset_return")


def _gist(run: Finished) -> Gist:
    return gist_of(stored_of(run).record, _folders(run))


def _folders(run: Finished) -> Folders:
    return Folders.of(run.folder.parent, LOG_DIR if run.log is None else run.log.parent)


def html_of(run: Finished) -> str:
    """Return the run as a notebook shows it: the answer, key figures, a small equity; every text escaped.

    It has no colours of its own, so it can be read on light and on dark.
    """
    gist, stored = _gist(run), stored_of(run)
    cells = "".join(_cells(stored.record.results.figures))
    wrong = "".join(f"<li>{_text(f'{notice.code}: {notice.text}')}</li>" for notice in gist.wrong)
    facts = "".join(f"<li>{_text(f'{name}: {text}')}</li>" for name, text in gist.facts)
    return (
        '<div style="font-family:sans-serif;max-width:44rem;line-height:1.45">'
        f'<p style="margin:.2em 0;opacity:.75">{_text(gist.title)} · {_text(stored.name)}</p>'
        f'<p style="margin:.2em 0;font-size:1.15em"><strong>{_text(gist.headline)}</strong></p>'
        f'<ul style="margin:.4em 0">{wrong}{facts}</ul>'
        f"<table><tr>{cells}</tr></table>{_equity(stored)}"
        f'<p style="margin:.4em 0">Next: <code>{_text(gist.next)}</code></p></div>'
    )


def _cells(figures: Iterable[Figure]) -> Iterator[str]:
    known = {figure.name: as_text(figure.value, figure.unit) for figure in figures}
    for name, companion, word in SHOWN:
        if name in known:
            beside = f"{word} {known.get(companion, 'undefined')}"
            yield (
                f'<td style="text-align:left;padding-right:1.5em">{_text(name)}<br>'
                f"<strong>{_text(known[name])}</strong><br><small>{_text(beside)}</small></td>"
            )


def _equity(stored: StoredRun) -> str:
    """Return growth of 1, net, beside that of the asset; empty where the ledger cannot be read."""
    try:
        ledger = stored.ledger()
    except DataError:
        return ""
    if ledger.height < 2:
        return ""
    days = ledger["exit_day"].to_physical().cast(pl.Float64).to_numpy()
    held = (1.0 + ledger["asset_return"]).cum_prod().to_numpy()
    asset = "equal weight" if stored.record.members else "holding it"
    chart = small_chart(
        f"Growth of 1, net of costs, beside {asset}",
        [
            Line(f"{asset}, without costs", days, held, dashes="4 3"),
            Line("strategy, net", days, ledger["equity"].to_numpy()),
        ],
        ends=(str(ledger["exit_day"][0]), str(ledger["exit_day"][-1])),
    )
    told = f"Growth of 1, net of costs; dashed: {asset}, without costs."
    return f'{chart}<p style="margin:.2em 0;opacity:.75"><small>{told}</small></p>' if chart else ""


def _text(value: object) -> str:
    return escape(clean(value))
