"""From several stored runs to what the page that compares them shows: what they share, and what differs.

Runs are measured anew on the days that all of them have, from their own ledgers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import polars as pl

from geiger.backtest.figures import is_constant, max_drawdown, sharpe, total_return
from geiger.checks.comparing import NO_EVIDENCE, cautions
from geiger.errors import SettingError
from geiger.metrics import mean_error
from geiger.records import Score
from geiger.report.gather import EQUAL, HELD, costs_of_run, kept
from geiger.report.universe import ranks_of
from geiger.report.view import CompareView, Equity, Floats, Paired, Pairs, RunView
from geiger.runs.folder import StoredRun

WITH_ERRORS = (
    "a difference between two figures is no evidence by itself; those to the best stand below, each with "
    "its error"
)


def compare(stored: Sequence[StoredRun], views: Sequence[RunView]) -> CompareView:
    """Return what the page of several runs shows; `views` are theirs, in the same order.

    Raises
    ------
    SettingError
        Fewer than two runs, or one named twice; a panel beside a symbol, or panels of different names.
    """
    names = [run.name for run in stored]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise SettingError("report --compare: name at least two runs, each of them once")
    panel = _of_one_panel(stored)
    ledgers = [ledger for run in stored if (ledger := kept(run.ledger, [])) is not None]
    complete = len(ledgers) == len(stored)
    shared = _shared(ledgers) if complete else None
    if shared is not None and len(shared) < 2:
        shared = None
    same_days = shared is not None and all(len(ledger) == len(shared) for ledger in ledgers)
    days_per_year, note = (252, "") if shared is None else _common_year(views, shared)
    alike = all(len(set(known)) == 1 for known in _conditions(stored, views).values())
    figures = () if shared is None else _common_figures(stored, views, shared, days_per_year)
    best = _best(figures) if alike else None
    return CompareView(
        runs=tuple(views),
        same_days=same_days,
        alike=alike,
        cautions=(*_cautions(stored, views, same_days), NO_EVIDENCE if best is None else WITH_ERRORS),
        common=None if shared is None else _common_equity(views, shared, EQUAL if panel else HELD),
        common_figures=figures,
        common_note=note,
        best=best,
        paired=() if shared is None or best is None else _paired(views, shared, best, days_per_year),
        ranks=ranks_of(stored) if panel else None,
        differences=_differing([(*view.settings, *view.idle_settings) for view in views]),
        origins=_differing([(*view.data, *view.environment) for view in views], keep_all=True),
    )


def _of_one_panel(stored: Sequence[StoredRun]) -> bool:
    """Whether the runs are of one panel; False of symbols, and what is neither is refused."""
    panels = {run.record.symbol for run in stored if run.record.members}
    if not panels:
        return False
    alone = [run.name for run in stored if not run.record.members]
    if alone:
        raise SettingError(
            f"report --compare: {alone[0]} is of one symbol and panel {sorted(panels)[0]} of many, whose "
            "figures say different things; compare runs of symbols, or runs of one panel"
        )
    if len(panels) > 1:
        raise SettingError(
            f"report --compare: {' and '.join(sorted(panels))} are different panels, of other symbols and "
            "days; compare runs of one panel"
        )
    return True


def _shared(ledgers: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the days that all ledgers have, with the exit day of the first and the net return of each."""
    parts = [
        ledger.select("day", pl.col("net").alias(f"net{i}"), pl.col("asset_return").alias(f"asset{i}"))
        for i, ledger in enumerate(ledgers)
    ]
    joined = reduce(lambda left, right: left.join(right, on="day", how="inner", maintain_order="left"), parts)
    return joined.join(ledgers[0].select("day", "exit_day"), on="day", how="left", maintain_order="left")


def _conditions(stored: Sequence[StoredRun], views: Sequence[RunView]) -> dict[str, list[Any]]:
    """Return, of each run, what must be equal before one run can be called better than another."""
    hashes = [run.record.data.data_hash for run in stored]
    fills = [run.record.fill for run in stored]
    return {
        "Symbol": [view.symbol for view in views],
        "Data Hash": hashes,
        "Fill": fills,
        "Cost": [costs_of_run(run) for run in stored],
    }


def _cautions(stored: Sequence[StoredRun], views: Sequence[RunView], same_days: bool) -> tuple[str, ...]:
    """Say what stands in the way of reading the figures side by side, as `geiger logs compare` does."""
    known = _conditions(stored, views)
    folds = [
        None if view.folds is None else tuple((one.first, one.last) for one in view.folds) for view in views
    ]
    differing = {name for name, values in {**known, "Folds": folds}.items() if len(set(values)) > 1}
    if not same_days:
        differing.add("Days")
    return cautions(differing)


def _common_year(views: Sequence[RunView], shared: pl.DataFrame) -> tuple[int, str]:
    """Return how many common days make a year, and a sentence on it."""
    own = {view.days_per_year for view in views}
    if len(own) == 1:
        (days,) = own
        return days, f"A year is {days} days, as each run counts it."
    first, last = shared["day"][0], shared["day"][-1]
    days = max(1, round((len(shared) - 1) * 365.25 / (last - first).days))
    return days, f"The runs count a year differently; here it is {days} days, as many as are common in one."


def _common_equity(views: Sequence[RunView], shared: pl.DataFrame, held: str) -> Equity:
    curves: dict[str, Floats] = {view.name: _grown(shared[f"net{i}"]) for i, view in enumerate(views)}
    notes = ["Each run starts from 1 at the first common day; its trades are those of its own ledger."]
    if len({view.symbol for view in views}) == 1:
        curves[f"{held} (gross)"] = _grown(shared["asset0"])
        asset = "all symbols alike" if held == EQUAL else "the asset itself"
        notes.append(f"{held.capitalize()} (gross): {asset} on the common days, without any cost.")
    return Equity(tuple(shared["exit_day"].to_list()), curves, tuple(notes))


def _grown(returns: pl.Series) -> Floats:
    return np.asarray(np.cumprod(1.0 + returns.to_numpy()), np.float64)


def _common_figures(
    stored: Sequence[StoredRun], views: Sequence[RunView], shared: pl.DataFrame, days_per_year: int
) -> tuple[Score, ...]:
    nets = {view.name: shared[f"net{i}"].to_numpy() for i, view in enumerate(views)}
    cash = {view.name: costs_of_run(run).cash_yield for run, view in zip(stored, views, strict=True)}
    return (
        Score(
            "Sharpe ratio",
            "ratio",
            "higher",
            tuple((name, sharpe(net, days_per_year, cash[name])) for name, net in nets.items()),
        ),
        Score(
            "Growth, net", "return", "higher", tuple((name, total_return(net)) for name, net in nets.items())
        ),
        Score(
            "Max drawdown", "share", "lower", tuple((name, max_drawdown(net)) for name, net in nets.items())
        ),
    )


def _best(figures: Sequence[Score]) -> str | None:
    """Return the run with the highest Sharpe ratio; None where fewer than two have one."""
    known = [(value, name) for name, value in figures[0].values if value is not None] if figures else []
    return max(known)[1] if len(known) > 1 else None


def _paired(
    views: Sequence[RunView], shared: pl.DataFrame, best: str, days_per_year: int
) -> tuple[Paired, ...]:
    """Return how much more the best made than each other run: what both share of the market falls out."""
    nets = {view.name: shared[f"net{i}"].to_numpy() for i, view in enumerate(views)}
    found = []
    for name, net in nets.items():
        if name == best:
            continue
        more = nets[best] - net
        moves = not is_constant(more)
        gain = float(more.mean()) * days_per_year
        error = mean_error(more - more.mean()) * days_per_year if moves else None
        found.append(Paired(name, len(shared), gain if moves else 0.0, error))
    return tuple(found)


def _differing(tables: Sequence[Pairs], *, keep_all: bool = False) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the names whose texts differ between the tables; with `keep_all` the rest after them."""
    known = [dict(table) for table in tables]
    names = dict.fromkeys(name for table in known for name in table)
    rows = [(name, tuple(table.get(name, "not recorded") for table in known)) for name in names]
    differing = [row for row in rows if len(set(row[1])) > 1]
    return tuple([*differing, *(row for row in rows if row not in differing)] if keep_all else differing)
