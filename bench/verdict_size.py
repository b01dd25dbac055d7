"""How often the verdict's test rings where no skill is, and how often where some is.

    python bench/verdict_size.py [--paths 1000] [--planted 500] [--long 100] [--ranked 100] [--page]

Runs the score test and what users would take in its place on the same made markets, whose truth is known
(`geiger.studies.null_markets`), keeps the counts in bench/results/verdict_size.json and writes
docs/evidence/verdict.md: half an hour on two cores. What that page says under its last heading is written by
hand and stays.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import NormalDist
from typing import Any

from geiger.evidence.binomial import share_interval
from geiger.studies.null_markets import FAMILIES
from geiger.studies.rejections import (
    BY_PATH,
    CONSTANT,
    GATES,
    REGIME,
    SCALED,
    SCORE,
    TESTED,
    TESTS,
    Cell,
    count,
)

sys.path.insert(0, str(Path(__file__).parent))
from harness import RESULTS, ROOT, machine

STORED = RESULTS / "verdict_size.json"
PAGE = ROOT / "docs" / "evidence" / "verdict.md"
BY_HAND = "## The form, and what was changed"
NORMAL = NormalDist()
LEVELS = (0.05, 0.01, 1.0 - NORMAL.cdf(3.09), 1.0 - NORMAL.cdf(3.54))
SHARES = (0.0025, 0.005, 0.01, 0.02)
SLOW = (0.9, 0.98)  # memory of a signal from day to day
LONG = (5, 21)
KEPT = (
    "real blocks"  # what real days know of each other stays inside a block, so a rejection need not be false
)
NULLS = tuple(family.name for family in FAMILIES if family.null and family.name != KEPT)
INFORMED = tuple(family.name for family in FAMILIES if family.name not in NULLS)
Counted = Mapping[tuple[str, str, float], tuple[int, int]]


def main() -> None:
    """Measure, print as it goes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paths", type=int, default=1000, help="of a market, over one day")
    parser.add_argument("--planted", type=int, default=500, help="of a market with a signal")
    parser.add_argument("--long", type=int, default=100, help="of a market, over 5 and 21 days")
    parser.add_argument("--ranked", type=int, default=100, help="paths with a signal that are ranked too")
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="only write the page, of what was measured last")
    args = parser.parse_args()
    if args.page:
        _write_page()
        return
    found: dict[Cell, Counted] = {}
    made = {"arguments": vars(args), **machine()}
    for cell, paths in _plan(args):
        found[cell] = count(cell, paths, args.seed, LEVELS, args.processes)
        print(cell, {k[0]: v for k, v in found[cell].items() if k[1:] == (SCORE, 0.05)}, flush=True)
        cells = [{**asdict(cell), "counted": _packed(counted)} for cell, counted in found.items()]
        STORED.write_text(json.dumps({**made, "cells": cells}), encoding="utf-8")
    _write_page()


def _plan(args: argparse.Namespace) -> Iterator[tuple[Cell, int]]:
    """Yield every cell with its number of paths."""
    for family in FAMILIES:
        yield Cell(family.name), args.paths
    for size in (SCALED, CONSTANT):
        for r2 in SHARES:
            yield Cell(size, r2=r2, ranked=args.ranked), args.planted
        for memory in SLOW:
            yield Cell(size, r2=0.01, memory=memory), args.planted
        for days in LONG:
            yield Cell(size, days, r2=0.01), args.planted
    yield Cell(BY_PATH, r2=0.01), args.planted
    for days in LONG:
        for family in FAMILIES:
            yield Cell(family.name, days), args.long


def _packed(counted: Counted) -> dict[str, dict[str, list[int]]]:
    """Return by forecast and test the paths, and how many of them ring at each level."""
    packed: dict[str, dict[str, list[int]]] = {}
    for (forecast, test, _), (below, of) in counted.items():
        packed.setdefault(forecast, {}).setdefault(test, [of]).append(below)
    return packed


def _unpacked(packed: Mapping[str, Mapping[str, Sequence[int]]]) -> Counted:
    return {
        (forecast, test, level): (below, counts[0])
        for forecast, tests in packed.items()
        for test, counts in tests.items()
        for level, below in zip(LEVELS, counts[1:], strict=True)
    }


def _write_page() -> None:
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    counted = [_unpacked(cell.pop("counted")) for cell in stored["cells"]]
    found = {Cell(**cell): counts for cell, counts in zip(stored["cells"], counted, strict=True)}
    by_hand = PAGE.read_text(encoding="utf-8").partition(BY_HAND)[2] if PAGE.exists() else "\n"
    made = "\n".join([*_page(stored, found), BY_HAND])
    PAGE.write_text(made + by_hand, encoding="utf-8")


def _page(facts: Mapping[str, Any], found: Mapping[Cell, Counted]) -> Iterator[str]:
    args = argparse.Namespace(**facts["arguments"])
    errors = [100 * (level * (1 - level) / args.paths) ** 0.5 for level in LEVELS[:2]]
    yield "# How often the verdict's test is wrong"
    yield ""
    yield from _text(
        "Asked: in markets where no forecast knows anything, how often does the score test behind SIGNAL "
        "ring, "
        "and what do the tests that people use instead do on the same paths? And how often does it ring "
        "when a "
        "forecast does know?"
    )
    yield "```"
    yield (
        f"python bench/verdict_size.py --paths {args.paths} --planted {args.planted} "
        f"--long {args.long} --ranked {args.ranked} --seed {args.seed}"
    )
    yield "```"
    yield ""
    yield from _text(
        f"{facts['day']}, commit {facts['commit']}, Python {facts['python']}. Ten years of 252 days a "
        "path, the "
        f"last {TESTED} days forecast, one try. Standard error of a share of 5% on {args.paths} paths: "
        f"{errors[0]:.1f} points; of 1%: {errors[1]:.1f}. SIGNAL asks for 1%."
    )
    yield from _families()
    yield from _worst(found)
    yield from _sizes(found)
    yield from _informed(found)
    yield from _power(found)


def _text(sentences: str) -> Iterator[str]:
    yield from textwrap.wrap(sentences, 118, break_long_words=False, break_on_hyphens=False)
    yield ""


def _families() -> Iterator[str]:
    yield "## The markets"
    yield ""
    yield "| market | what it is |"
    yield "|---|---|"
    for family in FAMILIES:
        yield f"| {family.name} | {family.what} |"
    yield ""


def _forecasts(counted: Counted) -> list[str]:
    return list(dict.fromkeys(forecast for forecast, _, _ in counted))


def _share(pair: tuple[int, int]) -> str:
    return f"{pair[0] / pair[1]:.3f}"


def _null(found: Mapping[Cell, Counted], days: int) -> dict[str, Counted]:
    return {c.family: counted for c, counted in found.items() if c.family in NULLS and c.horizon == days}


def _worst(found: Mapping[Cell, Counted]) -> Iterator[str]:
    """All tests on the null markets: pooled, and the worst cell."""
    tables = _null(found, 1)
    forecasts = _forecasts(next(iter(tables.values())))
    yield "## Without skill: all tests on the same paths, one day ahead"
    yield ""
    yield from _text(
        f"Shares that ring over {len(tables)} markets without skill and {len(forecasts)} forecasts, and "
        "the worst "
        "of these cells. The others see the forecast less the mean of its last 252 values, the score test "
        "sees it "
        "as it is. The gates have no level. Normal scores are measured by bench/normal_scores.py."
    )
    yield "| test | pooled at 5% | pooled at 1% | worst cell at 5% | worst cell at 1% |"
    yield "|---|---:|---:|---|---|"
    for test in TESTS:
        pooled, worst = [], []
        for level in LEVELS[:2]:
            every = {
                f"{forecast}, {name}": counted[forecast, test, level]
                for name, counted in tables.items()
                for forecast in forecasts
                if (forecast, test, level) in counted
            }
            if every:
                most = max(every, key=lambda cell, every=every: every[cell][0] / every[cell][1])
                rings, paths = (sum(pair[i] for pair in every.values()) for i in (0, 1))
                pooled.append(f"{rings / paths:.4f}")
                worst.append(f"{_share(every[most])} {most}")
        if pooled:
            yield f"| {test} | {' | '.join([*pooled, *worst])} |"
    yield ""


def _sizes(found: Mapping[Cell, Counted]) -> Iterator[str]:
    for days in (1, *LONG):
        tables = _null(found, days)
        if not tables:
            continue
        names = list(tables)
        n = next(iter(next(iter(tables.values())).values()))[1]
        yield f"## Without skill: the score test, {days} day{'s' * (days > 1)} ahead"
        yield ""
        yield from _text(f"Share of {n} paths that ring at 5% / at 1%.")
        yield f"| forecast | {' | '.join(names)} |"
        yield "|---|" + "---:|" * len(names)
        for forecast in _forecasts(tables[names[0]]):
            pairs = [[tables[name][forecast, SCORE, level] for level in LEVELS[:2]] for name in names]
            yield f"| {forecast} | {' | '.join(' / '.join(map(_share, pair)) for pair in pairs)} |"
        yield ""
        yield from _beyond(tables)


def _beyond(tables: Mapping[str, Counted]) -> Iterator[str]:
    """Name the cells whose exact interval lies above the level, as many as there are cells allowed for."""
    cells = sum(len(_forecasts(counted)) for counted in tables.values())
    for level in LEVELS[:2]:
        rows = []
        for name, counted in tables.items():
            for forecast in _forecasts(counted):
                k, n = counted[forecast, SCORE, level]
                low, high = share_interval(k, n)
                surely = share_interval(k, n, 1.0 - 0.1 / cells)[0] > level
                text = f"{forecast}, {name}: {k / n:.3f} ({low:.3f} to {high:.3f})"
                if low > level:
                    rows.append((k / n, f"**{text}**" if surely else text))
        rows.sort(reverse=True)
        yield from _text(
            f"Above {level:.0%} by the lower end of the 95% interval of Clopper and Pearson, {len(rows)} "
            f"of {cells} "
            f"cells (one in forty would be by chance; bold: also with all {cells} cells allowed for, "
            "Bonferroni): "
            f"{'; '.join(text for _, text in rows) or 'none'}."
        )


def _informed(found: Mapping[Cell, Counted]) -> Iterator[str]:
    cells = {name: found[Cell(name)] for name in INFORMED if Cell(name) in found}
    if not cells:
        return
    yield "## Where something can be known"
    yield ""
    yield from _text(
        "Where the drift has spells, a forecast that follows the past mean is informative while one lasts; "
        "in "
        "blocks of real returns days keep what they know of each other, such as a reversal of one to five "
        "days. "
        "These shares are no error rates, but for noise and the volatility. `said`: share that ring at 1% "
        "and "
        "carry the sentence that this may be a regime: the forecast's correlation with the mean return of "
        "the "
        "last 20, 60 or 252 days is .5 or more (`geiger.evidence.regime`, fixed before it was measured)."
    )
    yield f"| forecast | {' | '.join(f'{name}: 5% / 1% / said' for name in cells)} |"
    yield "|---|" + "---:|" * len(cells)
    for forecast in _forecasts(next(iter(cells.values()))):
        keys = [(forecast, SCORE, 0.05), (forecast, SCORE, 0.01), (forecast, REGIME, 0.01)]
        shares = [" / ".join(_share(counted[key]) for key in keys) for counted in cells.values()]
        yield f"| {forecast} | {' | '.join(shares)} |"
    yield ""


def _power(found: Mapping[Cell, Counted]) -> Iterator[str]:
    cells = {cell: counted for cell, counted in found.items() if cell.r2 > 0.0}
    if not cells:
        return
    yield "## With skill: the forecast that nobody can beat, in GARCH-t"
    yield ""
    yield from _text(
        "Share that ring at 1% with one try, and at the bars of 50 tries, z 3.09 (5%) and 3.54 (1%). A "
        "signal of "
        "constant size explains R² of the variance of a day in the long run; `by path`: on every path. "
        "Memory: "
        "its autocorrelation from day to day. Over 5 and 21 days the signal still is that of the first "
        "day, and "
        "the others are noise. Normal scores on the first paths only; the gates know no bar. `said` as "
        "above, at "
        "z 3.09."
    )
    yield "| signal | R², % | memory | days | test | paths | 1% | z 3.09 | z 3.54 | said |"
    yield "|---|---:|---:|---:|---|---:|---:|---:|---:|---:|"
    for cell, counted in cells.items():
        for test in TESTS:
            pairs = [
                counted["truth", test, level] for level in LEVELS[1:] if ("truth", test, level) in counted
            ]
            if not pairs:
                continue
            shares = [*map(_share, pairs)] if test != GATES else [_share(pairs[0]), "", ""]
            shares.append(_share(counted["truth", REGIME, LEVELS[2]]) if test == SCORE else "")
            about = f"{cell.family} | {100 * cell.r2:g} | {cell.memory:g} | {cell.horizon}"
            yield f"| {about} | {test} | {pairs[0][1]} | {' | '.join(shares)} |"
    yield ""


if __name__ == "__main__":
    main()
