"""How often the e-value of saved forecasts reaches 20 where no skill is, and how soon where some is.

    python bench/live.py [--paths 500] [--seed 20271] [--processes 2]

Made markets whose truth is known (`geiger.studies.null_markets`). A run forecasts one year out of sample,
then each forecast of seven years is saved before its outcome, as `geiger predict --save` does, and bet on.
Keeps what was found in bench/results/live.json and writes docs/evidence/live.md: ten minutes.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from geiger.evidence.binomial import share_interval
from geiger.evidence.eprocess import STRONG, first_reached, wealth_of
from geiger.evidence.score_test import score_test
from geiger.seeds import generator
from geiger.studies.null_markets import FAMILIES, YEAR, plain_forecasts, planted
from geiger.studies.rejections import CONSTANT, SCALED

sys.path.insert(0, str(Path(__file__).parent))
from harness import RESULTS, ROOT, machine

STORED = RESULTS / "live.json"
PAGE = ROOT / "docs" / "evidence" / "live.md"
BEFORE, SAVED = YEAR, 7 * YEAR  # days forecast by the run, and after it
ROWS = 2 * YEAR + BEFORE + SAVED  # the first two years are what forecasts need to begin
WITHIN = (1, 3, 7)  # years
SHARES = (0.0025, 0.005, 0.01, 0.02)


def reached(cell: tuple[str, float], seed: int, number: int) -> dict[str, int | None]:
    """Return for each forecast of one path how many saved forecasts it took to reach 20; None: never."""
    name, r2 = cell
    rng = generator(seed, "live", name, round(r2 * 1e6), number)
    if r2:
        path, truth = planted(ROWS, rng, r2, scaled=name == SCALED)
        forecasts = {"truth": truth}
    else:
        (family,) = (one for one in FAMILIES if one.name == name)
        path = family.make(ROWS, rng)
        forecasts = plain_forecasts(path, rng)
    outcome, known = path.outcome(1)
    found = {}
    for forecast, values in forecasts.items():
        made = np.where(np.arange(ROWS) >= ROWS - BEFORE - SAVED, values, np.nan)
        place = first_reached(wealth_of(score_test(path.returns, outcome, known, made).scores, ROWS - SAVED))
        found[forecast] = None if place is None else place + 1
    return found


def main() -> None:
    """Measure, print as it goes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paths", type=int, default=500, help="of a market")
    parser.add_argument("--seed", type=int, default=20271)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="only write the page, of what was measured last")
    args = parser.parse_args()
    if not args.page:
        STORED.write_text(json.dumps(measured(args)) + "\n", encoding="utf-8")
    PAGE.write_text("\n".join(page(json.loads(STORED.read_text(encoding="utf-8")))), encoding="utf-8")


def measured(args: argparse.Namespace) -> dict[str, Any]:
    """Return every path's days, with what is needed to repeat them."""
    plan = [(family.name, 0.0) for family in FAMILIES]
    plan += [(size, r2) for size in (CONSTANT, SCALED) for r2 in SHARES]
    cells = []
    with get_context("spawn").Pool(args.processes) as pool:
        for cell in plan:
            paths = pool.map(partial(reached, cell, args.seed), range(args.paths), chunksize=10)
            days = {forecast: [path[forecast] for path in paths] for forecast in paths[0]}
            there = {
                forecast: {number: day for number, day in enumerate(found) if day is not None}
                for forecast, found in days.items()
            }
            cells.append({"market": cell[0], "r2": cell[1], "reached": there})
            print(cell, {name: share(found, 7) for name, found in days.items()}, flush=True)
    return {"paths": args.paths, "seed": args.seed, "cells": cells, **machine()}


def days_of(stored: Mapping[str, Any]) -> dict[tuple[str, float], dict[str, list[int | None]]]:
    """Return by market and R^2 the days of every forecast, a path each."""
    return {
        (cell["market"], cell["r2"]): {
            forecast: [there.get(str(number)) for number in range(stored["paths"])]
            for forecast, there in cell["reached"].items()
        }
        for cell in stored["cells"]
    }


def share(days: Sequence[int | None], years: int) -> float:
    """Return the share of paths that reached 20 within so many years of saved forecasts."""
    return sum(day is not None and day <= years * YEAR for day in days) / len(days)


def crossing(stored: Mapping[str, Any], years: int) -> tuple[float, float]:
    """Return the share over all markets and forecasts without skill, and its standard error.

    The forecasts of one path see the same outcomes: the error is that of the paths' own shares.
    """
    null = {family.name for family in FAMILIES if family.null}
    shares: list[float] = []
    for (market, _), days in days_of(stored).items():
        if market in null:
            shares += [share(path, years) for path in zip(*days.values(), strict=True)]
    return statistics.fmean(shares), statistics.stdev(shares) / math.sqrt(len(shares))


def percent(value: float, digits: int = 1) -> str:
    """Return a share in percent.

    >>> percent(0.0312)
    '3.1%'
    """
    return f"{100 * value:.{digits}f}%"


def page(stored: Mapping[str, Any]) -> Iterator[str]:
    """Write docs/evidence/live.md."""
    null = {family.name for family in FAMILIES if family.null}
    cells = days_of(stored)
    still = {market: days for (market, _), days in cells.items() if market in null}
    moving = {market: days for (market, r2), days in cells.items() if r2 == 0.0 and market not in null}
    n, forecasts = stored["paths"], list(next(iter(still.values())))
    yield f"""# How often the e-value of saved forecasts is wrong

`geiger predict --score` bets on each forecast that was saved in time, and {STRONG:g} times the stake
is called strong. Where the mean of a score is exactly 0 given the past, at most 5% ever get there, however
often one looks (Ville 1939). Asked: how many do get there without skill, and how long does it take with some?

```
python bench/live.py --paths {n} --seed {stored["seed"]}
```

{stored["day"]}, commit {stored["commit"]}, Python {stored["python"]}. Markets and forecasts are those of the
[verdict's page](verdict.md) (`src/geiger/studies/null_markets.py`). A run forecasts one year out of sample;
then the forecasts of seven years are saved one by one before their outcome, and looked at every day.

## Without skill
"""
    told = []
    for years in WITHIN:
        value, error = crossing(stored, years)
        told.append(f"{percent(value)} (error {percent(error)}) within {_years(years)}")
    yield f"Over {len(still)} markets and {len(forecasts)} forecasts, {n} paths a market: {', '.join(told)}."
    yield "The error counts paths, since the forecasts of one path share its outcomes."
    yield ""
    yield "| market | 1 year | 3 years | 7 years | most within 7 years |"
    yield "|---|---:|---:|---:|---|"
    for market, days in still.items():
        yield f"| {market} | {_rates(days.values())} | {_worst(days)} |"
    yield ""
    yield "| forecast | 1 year | 3 years | 7 years | most within 7 years |"
    yield "|---|---:|---:|---:|---|"
    for forecast in forecasts:
        own = {market: days[forecast] for market, days in still.items()}
        yield f"| {forecast} | {_rates(own.values())} | {_worst(own)} |"
    yield ""
    yield from _above(still, n)
    yield """## Where the drift changes by itself

A forecast that follows the past mean is informative while a spell lasts, so these shares are no error rates.
Within 1 / 3 / 7 years:
"""
    yield f"| forecast | {' | '.join(moving)} |"
    yield "|---|" + "---:|" * len(moving)
    for forecast in forecasts:
        yield f"| {forecast} | {' | '.join(_rates([d[forecast]], ' / ') for d in moving.values())} |"
    yield f"| all | {' | '.join(_rates(d.values(), ' / ') for d in moving.values())} |"
    yield """
## With skill: the forecast that nobody can beat, in GARCH-t

Days are saved forecasts; the median is over all paths, those that never got there included.

| signal | R², % | a quarter there after | median days to 20 | 1 year | 3 years | 7 years |
|---|---:|---:|---:|---:|---:|---:|"""
    for (market, r2), found in cells.items():
        if r2:
            days = found["truth"]
            yield (
                f"| {market} | {100 * r2:g} | {_after(days, 0.25)} | {_after(days, 0.5)} | {_rates([days])} |"
            )
    yield ""


def _above(still: Mapping[str, Mapping[str, Sequence[int | None]]], n: int) -> Iterator[str]:
    """Name the pairs whose exact interval lies above 5%."""
    counts = {
        (name, market): sum(day is not None for day in days)
        for market, found in still.items()
        for name, days in found.items()
    }
    limit, named = 1.0 / STRONG, []
    for (name, market), count in sorted(counts.items(), key=lambda one: -one[1]):
        if share_interval(count, n, 0.9)[0] > limit:
            mark = "**" if share_interval(count, n, 1.0 - 0.1 / len(counts))[0] > limit else ""
            named.append(f"{mark}{name}, {market}: {percent(count / n)}{mark}")
    yield f"""Above 5% within 7 years, by the lower end of a one-sided 95% interval of Clopper and Pearson
(bold: by that of all {len(counts)} pairs of market and forecast, Bonferroni): {"; ".join(named) or "none"}.
"""


def _years(years: int) -> str:
    return f"{years} year{'s' * (years > 1)}"


def _rates(columns: Any, between: str = " | ") -> str:
    columns = list(columns)
    return between.join(percent(statistics.fmean(share(days, years) for days in columns)) for years in WITHIN)


def _worst(columns: Mapping[str, Sequence[int | None]]) -> str:
    name = max(columns, key=lambda one: share(columns[one], 7))
    return f"{percent(share(columns[name], 7))} {name}"


def _after(days: Sequence[int | None], part: float) -> str:
    """Return after how many saved forecasts that part of all paths had reached 20."""
    times = sorted(math.inf if day is None else day for day in days)
    day = times[math.ceil(part * len(times)) - 1]
    return f"above {SAVED}" if math.isinf(day) else f"{day:.0f}"


if __name__ == "__main__":
    main()
