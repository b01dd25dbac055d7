"""How often the test of a panel rings where no forecast knows anything, and how often where some do.

    python bench/panel_size.py [--paths 400] [--long 100] [--planted 200] [--page]

Runs the selection test, and what is used in its place, on the same made panels whose truth is known, keeps
the counts in bench/results/panel_size.json and writes docs/evidence/panel.md: a quarter of an hour on one
core. What that page says under its last heading is written by hand and stays.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from geiger.blas import one_blas_thread
from geiger.evidence.binomial import share_interval
from geiger.evidence.cross_section import market_betas
from geiger.evidence.panel_test import LEAST_NAMES, Grid, selection_test, timing_test

sys.path.insert(0, str(Path(__file__).parent))
from harness import RESULTS, ROOT, machine

Floats = npt.NDArray[np.float64]
STORED = RESULTS / "panel_size.json"
SHUFFLED = RESULTS / "panel_shuffled.json"  # of panel_shuffled.py
PAGE = ROOT / "docs" / "evidence" / "panel.md"
BY_HAND = "## What follows"
NORMAL = NormalDist()
BAR_OF_FIFTY = 1.0 - NORMAL.cdf(3.54)  # 1% with 50 independent tries
LEVELS = (0.05, 0.01, BAR_OF_FIFTY)
BEFORE, TESTED, WARM = 320, 1000, 200  # days: 252 for a beta, and some for slow forecasts
NAMES = 20
YEAR = 252
ALPHA, BETA, NU = 0.08, 0.90, 5.0
SELECTION, TIMING, RANK, CLUSTERED = "selection", "timing", "rank IC, t", "clustered by symbol, t"
TESTS = (SELECTION, TIMING, RANK, CLUSTERED)
SIZES = (5, 10, 20, 50, 100)
SHARES = (0.001, 0.0025, 0.005)
LEARNED = (1.0, 0.3)  # correlation of a forecast with the planted mean
SPANS = (500, 1764)
TRUE_BETA = "true beta"  # knows more of what the market's mean return is worth to a symbol than anybody can
RIDGE_LAGS = (1, 2, 5, 20, 60)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of panel in which nobody can know which symbol does better.

    Attributes
    ----------
    premium : float
        Mean return of the factor, a year; a symbol earns it times its beta.
    skew : {"", "all", "by size", "by state"}
        Returns that are skewed alike; by whether a symbol moves more than others; by whether it moves more
        than it usually does.
    """

    name: str
    what: str
    premium: float = 0.08
    skew: str = ""
    sectors: int = 0
    wandering: float = 0.0  # of a beta, a day
    leaving: bool = False
    jumps: bool = False
    known: bool = False  # whether something can be known: then a rejection need not be false
    alpha: float = 0.0  # spread of mean returns beyond beta, a year


KINDS = (
    Kind(name="factor", what="one factor and own returns, both GARCH(1,1) with Student t of 5 degrees"),
    Kind(name="premium", what="the same; the factor earns 30% a year", premium=0.30),
    Kind(name="falling", what="the same; the factor loses 30% a year", premium=-0.30),
    Kind(name="skew", what="factor and own returns skewed to the left (skewness -1)", skew="all"),
    Kind(
        name="skew by size",
        what="symbols that move more than others skewed to the right, the rest to the left",
        skew="by size",
    ),
    Kind(
        name="skew by state",
        what="a symbol is skewed to the right while it moves more than it usually does, else to the left",
        skew="by state",
    ),
    Kind(
        name="sectors", what="four sectors, each with a factor of its own as large as half of all", sectors=4
    ),
    Kind(name="wandering betas", what="betas change by .01 a day (a random walk)", wandering=0.01),
    Kind(name="come and go", what="a third of the symbols starts late and a third ends early", leaving=True),
    Kind(name="jumps", what="the factor jumps by 5% and a symbol by 10%, each on one day of 100", jumps=True),
)
ALPHAS = Kind(
    name="lasting alphas",
    what="mean returns beyond beta differ between symbols, by 10% a year (standard deviation)",
    alpha=0.10,
    known=True,
)


@dataclass(frozen=True, eq=False)
class Made:
    """A panel; all (D, N): returns, true betas, true volatilities of a symbol's own part."""

    returns: Floats
    beta: Floats
    size: Floats

    def grid(self, horizon: int = 1) -> Grid:
        """Return it with the outcomes of `horizon` days from the next close on, or at 1 from this one."""
        delay = int(horizon > 1)
        days, names = self.returns.shape
        rows = np.arange(days)
        paid = np.concatenate(
            (np.cumsum(np.nan_to_num(self.returns), axis=0), np.zeros((horizon + 1, names)))
        )
        outcome = paid[rows + delay + horizon] - paid[rows + delay]
        there = np.isfinite(self.returns)
        outcome[days - delay - horizon :] = np.nan
        for ahead in range(1, delay + horizon + 1):
            outcome[: days - ahead][~there[ahead:]] = np.nan
        return Grid(self.returns, outcome, rows + horizon + delay, horizon)


def make(
    kind: Kind,
    rng: np.random.Generator,
    days: int = BEFORE + TESTED,
    names: int = NAMES,
    planted: float = 0.0,
) -> tuple[Made, Floats]:
    """Return a panel, and what is known of each next day's mean (D, N): noise where nothing is planted.

    Parameters
    ----------
    planted : float
        Share of the variance of a symbol's daily return that it explains, on average.
    """
    beta = np.full((days, names), 1.0) * rng.uniform(0.3, 1.8, names)
    if kind.wandering:
        beta = beta + kind.wandering * np.cumsum(rng.standard_normal((days, names)), axis=0)
    own_size = 0.01 * np.exp(0.4 * rng.standard_normal(names))
    right = np.where(own_size > np.median(own_size), 1.0, -1.0)
    factor, _ = _garch(rng, days, np.full(1, 0.0095), "all" if kind.skew == "all" else "", None)
    own, size = _garch(rng, days, own_size, kind.skew, right)
    if kind.jumps:
        factor += 0.05 * rng.standard_normal((days, 1)) * (rng.random((days, 1)) < 0.01)
        own += 0.10 * rng.standard_normal((days, names)) * (rng.random((days, names)) < 0.01)
    known = rng.standard_normal((days, names))
    whole = np.sqrt(beta**2 * 0.0095**2 + own_size**2)
    mean = np.zeros((days, names))
    mean[1:] = math.sqrt(planted) * whole[1:] * known[:-1]
    returns = beta * (factor + kind.premium / YEAR) + own + mean
    if kind.sectors:
        sector, _ = _garch(rng, days, np.full(kind.sectors, 0.007), "", None)
        returns += sector[:, np.arange(names) % kind.sectors]
    returns += kind.alpha / YEAR * rng.standard_normal(names)
    if kind.leaving:
        third = names // 3
        for i in range(third):
            returns[: rng.integers(50, days - 400), i] = np.nan
            returns[rng.integers(400, days - 50) :, third + i] = np.nan
    returns[0] = np.nan
    return Made(returns, beta, size), known


def _garch(
    rng: np.random.Generator, days: int, size: Floats, skew: str, right: Floats | None
) -> tuple[Floats, Floats]:
    """Return returns and their true volatilities (days, names) around 0, of long-run ones (names,)."""
    shape = (WARM + days, size.size)
    z = rng.standard_t(NU, shape) * math.sqrt((NU - 2.0) / NU)
    gamma = (rng.gamma(4.0, size=shape) - 4.0) / 2.0  # mean 0, variance 1, skewness 1
    h, found, sizes = np.ones(size.size), np.empty(shape), np.empty(shape)
    for t in range(len(z)):
        if skew == "all":
            shock = -gamma[t]
        elif skew == "by size":
            shock = np.asarray(right) * gamma[t]
        elif skew == "by state":
            shock = np.where(h > 1.0, gamma[t], -gamma[t])
        else:
            shock = z[t]
        sizes[t] = np.sqrt(h)
        found[t] = sizes[t] * shock
        h = 1.0 - ALPHA - BETA + ALPHA * found[t] ** 2 + BETA * h
    return (found * size)[WARM:], (sizes * size)[WARM:]


def forecasts(made: Made, grid: Grid, rng: np.random.Generator) -> dict[str, Floats]:
    """Return plain forecasts (D, N), known at the close of a day, in units of the volatility."""
    r, s = np.nan_to_num(made.returns), grid.volatility
    days, names = r.shape
    noise, slow = rng.standard_normal((2, days, names))
    for t in range(1, days):
        slow[t] = 0.98 * slow[t - 1] + 0.2 * slow[t]
    total = np.concatenate((np.zeros((1, names)), np.cumsum(r, axis=0)))
    end = np.arange(1, days + 1)

    def past(back: int) -> Floats:
        return (total[end] - total[np.maximum(end - back, 0)]) / s / math.sqrt(back)

    market = np.nan_to_num(grid.market)
    trend = np.convolve(market, np.full(20, 1 / 20))[:days, None]
    usual = grid.usual_volatility
    year = market_betas(made.returns, 2)  # another beta than that of the test
    return {
        "noise": noise,
        "slow noise": slow,
        "one number a symbol": np.full((days, 1), 1.0) * rng.standard_normal(names),
        "beta": year,
        "minus beta": -year,
        "beta x market's month": year * trend / s,
        "beta of all days": _beta_so_far(r, market),
        "volatility": np.log(s),
        "minus volatility": -np.log(s),
        "usual volatility": np.log(usual),
        "minus usual volatility": -np.log(usual),
        "usual over today's": np.log(usual / s),
        "true volatility": made.size / s,
        "minus true volatility": -made.size / s,
        "trend, 20 days": past(20),
        "trend, 252 days": past(252),
        "reversal, 1 day": -past(1),
        "reversal, 5 days": -past(5),
        "reversal, 252 days": -past(252),
        "minus log price": -(total[end] - total[:1]) / s,
        "ridge, pooled": _ridge(r, grid, past),
        TRUE_BETA: made.beta * 0.01 / s,
    }


def _beta_so_far(r: Floats, market: Floats) -> Floats:
    """Return the slope of each symbol on the market over all days so far (D, N)."""
    x, n = market[:, None] * np.ones_like(r), np.arange(1, len(r) + 1)[:, None]
    sx, sy, sxx, sxy = (np.cumsum(values, axis=0) for values in (x, r, x * x, x * r))
    spread = sxx - sx * sx / n
    return np.where(spread > 0.0, (sxy - sx * sy / n) / np.where(spread > 0.0, spread, 1.0), np.nan)


def _ridge(r: Floats, grid: Grid, past: Callable[[int], Floats]) -> Floats:
    """Return the forecasts of one ridge for all symbols, fitted every 21 days to outcomes known by then."""
    days, names = r.shape
    columns = [*(past(back) for back in RIDGE_LAGS), grid.beta, grid.volatility / 0.01]
    x = np.nan_to_num(np.stack(columns, axis=2))
    y = np.nan_to_num(grid.outcome / grid.volatility)
    y = np.clip(y - y.mean(axis=1, keepdims=True), -4, 4)
    x = x - x.mean(axis=1, keepdims=True)
    gram = np.cumsum(np.einsum("dni,dnj->dij", x, x), axis=0)
    both = np.cumsum(np.einsum("dni,dn->di", x, y), axis=0)
    found = np.full((days, names), np.nan)
    for first in range(BEFORE, days, 21):
        known = first - int(grid.known_from[0])  # the last day whose outcome is known at this close
        b = np.linalg.solve(gram[known] + 100.0 * np.eye(x.shape[2]), both[known])
        found[first : first + 21] = x[first : first + 21] @ b
    return found


def p_values(grid: Grid, score: Floats, least: int = LEAST_NAMES) -> dict[str, float]:
    """Return the one-sided p of each test of the same forecasts."""
    from scipy.stats import norm
    from scipy.stats import t as student

    rank, clustered, symbols = _others(grid, score, least)
    return {
        SELECTION: selection_test(grid, score, least).p_value,
        TIMING: timing_test(grid, score * grid.volatility, least).p_value,
        RANK: float(norm.sf(rank)),
        CLUSTERED: float(student.sf(clustered, symbols - 1)),
    }


def _others(grid: Grid, score: Floats, least: int) -> tuple[float, float, int]:
    """Return the t of the mean daily rank correlation (Newey-West, 5 lags), and that clustered by symbol."""
    part = np.isfinite(score) & np.isfinite(grid.outcome) & np.isfinite(grid.volatility)
    part[part.sum(axis=1) < least] = False
    rows = part.any(axis=1)
    part, f, y = part[rows], score[rows], grid.outcome[rows]
    ranks = [_middled(np.where(part, z, np.inf).argsort(axis=1).argsort(axis=1), part) for z in (f, y)]
    a, b = ranks
    ic = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    centred = ic - ic.mean()
    variance = float((centred**2).mean())
    for lag in range(1, 6):
        variance += 2 * (1 - lag / 6) * float((centred[lag:] * centred[:-lag]).sum()) / ic.size
    f, y = (_middled(np.where(part, z, 0.0), part) for z in (f, y / grid.volatility[rows]))
    sums = (f * y).sum(axis=0)
    symbols = int(part.any(axis=0).sum())
    spread = math.sqrt(float((sums**2).sum()) * symbols / (symbols - 1))
    return float(ic.mean()) / math.sqrt(variance / ic.size), float(sums.sum()) / spread, symbols


def _middled(z: npt.NDArray[Any], part: npt.NDArray[np.bool_]) -> Floats:
    """Return z less the mean of its day, and 0 where a symbol has no part."""
    mean = np.where(part, z, 0.0).sum(axis=1, keepdims=True) / part.sum(axis=1, keepdims=True)
    return np.where(part, z - mean, 0.0)


def main() -> None:
    """Measure, print as it goes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paths", type=int, default=400, help="of a panel, over one day")
    parser.add_argument("--long", type=int, default=100, help="of a panel, over 5 days")
    parser.add_argument("--planted", type=int, default=200, help="of a panel with a signal")
    parser.add_argument("--seed", type=int, default=20261)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="only write the page, of what was measured last")
    args = parser.parse_args()
    if not args.page:
        stored = {"arguments": vars(args), **machine(), "nulls": [], "power": []}
        jobs: list[tuple[Callable[..., Any], tuple[Any, ...], str]] = [
            (_count, (kind, horizon, paths, args.seed), "nulls")
            for horizon, paths in ((1, args.paths), (5, args.long))
            for kind in (*KINDS, ALPHAS)
        ]
        jobs += [(_power, (names, r2, args.planted, args.seed), "power") for names in SIZES for r2 in SHARES]
        with ProcessPoolExecutor(args.processes) as pool:
            waiting = [(pool.submit(work, *given), kind) for work, given, kind in jobs]
            for done, kind in waiting:
                stored[kind] += done.result()
                STORED.write_text(json.dumps(stored), encoding="utf-8")
                print(len(stored["nulls"]), len(stored["power"]), flush=True)
    write_page()


@one_blas_thread()
def _count(kind: Kind, horizon: int, paths: int, seed: int) -> list[dict[str, Any]]:
    """Return by forecast and test how many paths ring at each level."""
    found: dict[str, dict[str, list[int]]] = {}
    for path in range(paths):
        rng = np.random.default_rng([seed, KINDS.index(kind) if kind in KINDS else len(KINDS), horizon, path])
        made, _ = make(kind, rng)
        grid = made.grid(horizon)
        before = np.arange(len(made.returns))[:, None] < BEFORE
        for name, score in forecasts(made, grid, rng).items():
            tested = np.where(before | ~np.isfinite(made.returns), np.nan, score)
            for test, p in p_values(grid, tested).items():
                counts = found.setdefault(name, {}).setdefault(test, [0] * len(LEVELS))
                for place, level in enumerate(LEVELS):
                    counts[place] += p < level
    return [{"kind": kind.name, "horizon": horizon, "paths": paths, "counts": found}]


@one_blas_thread()
def _power(names: int, r2: float, paths: int, seed: int) -> list[dict[str, Any]]:
    """Return how often a forecast that knows the planted mean, or a part of it, rings."""
    days, kind = BEFORE + max(SPANS), KINDS[0]
    counts = {(learned, span): [0] * len(LEVELS) for learned in LEARNED for span in SPANS}
    for path in range(paths):
        rng = np.random.default_rng([seed, names, round(1e6 * r2), path])
        made, known = make(kind, rng, days, names, r2)
        grid = made.grid()
        noise = rng.standard_normal(known.shape)
        for learned, span in counts:
            score = learned * known + math.sqrt(1.0 - learned**2) * noise
            score = np.where(np.arange(days)[:, None] < days - span, np.nan, score)
            p = selection_test(grid, score, min(LEAST_NAMES, names)).p_value
            for place, level in enumerate(LEVELS):
                counts[learned, span][place] += p < level
    return [
        {"names": names, "r2": r2, "learned": learned, "days": span, "paths": paths, "counts": rings}
        for (learned, span), rings in counts.items()
    ]


def write_page() -> None:
    """Write the page from what was measured last."""
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    by_hand = PAGE.read_text(encoding="utf-8").partition(BY_HAND)[2] if PAGE.exists() else "\n"
    PAGE.write_text("\n".join([*_page(stored), BY_HAND]) + by_hand, encoding="utf-8")


def _page(stored: Mapping[str, Any]) -> Iterator[str]:
    told = stored["arguments"]
    yield "# How often the test of a panel is wrong"
    yield ""
    yield from _text(
        "Asked: in panels where nobody can know which symbol does better, whose symbols share a factor and "
        "differ in beta and volatility, how often does the selection test behind SIGNAL ring, and what do a "
        "rank IC and errors clustered by symbol do on the same panels? And how often does it ring when a "
        "forecast does know?"
    )
    yield "```"
    yield (
        f"python bench/panel_size.py --paths {told['paths']} --long {told['long']} "
        f"--planted {told['planted']} --seed {told['seed']}"
    )
    yield "```"
    yield ""
    yield from _text(
        f"{stored['day']}, commit {stored['commit']}, Python {stored['python']}. {NAMES} symbols, {TESTED} "
        f"days forecast behind {BEFORE} others, one try. Betas from .3 to 1.8, volatilities of own returns "
        "around 1% a day (a factor of 1.5 up or down), the factor's .95%. Standard error of a share of 5% on "
        f"{told['paths']} paths: {100 * math.sqrt(0.0475 / told['paths']):.1f} points. SIGNAL asks for 1%."
    )
    yield "| panel | what it is |"
    yield "|---|---|"
    for kind in (*KINDS, ALPHAS):
        yield f"| {kind.name} | {kind.what} |"
    yield ""
    yield from _worst(stored)
    for horizon in _horizons(stored):
        yield from _sizes(stored, horizon)
    yield from _knowable(stored)
    yield from _powers(stored)
    if SHUFFLED.exists():
        yield from _shuffled(json.loads(SHUFFLED.read_text(encoding="utf-8")))


def _text(sentences: str) -> Iterator[str]:
    yield from textwrap.wrap(sentences, 118, break_long_words=False, break_on_hyphens=False)
    yield ""


def _nulls(stored: Mapping[str, Any], horizon: int) -> list[Mapping[str, Any]]:
    """Return the cells of a horizon in which nothing can be known, without the forecast that knows more."""
    found = []
    for one in stored["nulls"]:
        if one["horizon"] == horizon and one["kind"] != ALPHAS.name:
            counts = {name: of for name, of in one["counts"].items() if name != TRUE_BETA}
            found.append({**one, "counts": counts})
    return found


def _horizons(stored: Mapping[str, Any]) -> list[int]:
    return sorted({one["horizon"] for one in stored["nulls"]})


def _worst(stored: Mapping[str, Any]) -> Iterator[str]:
    yield "## Without skill: all tests on the same panels"
    yield ""
    yield from _text(
        "Share that rings, pooled over panels and forecasts, with the worst of these cells and its exact "
        "interval of 95% (Clopper and Pearson)."
    )
    yield "| days ahead | test | pooled at 5% | pooled at 1% | worst cell at 5% | worst cell at 1% |"
    yield "|---:|---|---:|---:|---|---|"
    for horizon in _horizons(stored):
        cells = _nulls(stored, horizon)
        for test in TESTS:
            pooled, worst = [], []
            for place in range(2):
                every = {
                    f"{forecast}, {cell['kind']}": (counts[test][place], cell["paths"])
                    for cell in cells
                    for forecast, counts in cell["counts"].items()
                }
                most = max(every, key=lambda name, every=every: every[name][0] / every[name][1])
                rings, paths = (sum(pair[i] for pair in every.values()) for i in (0, 1))
                pooled.append(f"{rings / paths:.4f}")
                worst.append(f"{_with_interval(*every[most])} {most}")
            yield f"| {horizon} | {test} | {' | '.join([*pooled, *worst])} |"
    yield ""


def _with_interval(count: int, paths: int) -> str:
    low, high = share_interval(count, paths)
    return f"{count / paths:.3f} ({low:.3f} to {high:.3f})"


def _sizes(stored: Mapping[str, Any], horizon: int) -> Iterator[str]:
    cells = _nulls(stored, horizon)
    yield f"## Without skill: the selection test, {horizon} day{'s' * (horizon > 1)} ahead"
    yield ""
    yield from _text(f"Share of {cells[0]['paths']} panels that ring at 5% / at 1%.")
    yield f"| forecast | {' | '.join(cell['kind'] for cell in cells)} | all |"
    yield "|---|" + "---:|" * (len(cells) + 1)
    for forecast in cells[0]["counts"]:
        every = [[cell["counts"][forecast][SELECTION][place] for cell in cells] for place in range(2)]
        paths = [cell["paths"] for cell in cells]
        shares = [f"{a / n:.3f} / {b / n:.3f}" for a, b, n in zip(*every, paths, strict=True)]
        total = " / ".join(f"{sum(of) / sum(paths):.3f}" for of in every)
        yield f"| {forecast} | {' | '.join(shares)} | {total} |"
    yield ""
    yield from _beyond(cells)


def _beyond(cells: list[Mapping[str, Any]]) -> Iterator[str]:
    """Name the cells whose exact interval lies above the level."""
    for place, level in enumerate(LEVELS[:2]):
        rows, number = [], 0
        for cell in cells:
            for forecast, counts in cell["counts"].items():
                k, n = counts[SELECTION][place], cell["paths"]
                number += 1
                if share_interval(k, n)[0] > level:
                    rows.append((k / n, f"{forecast}, {cell['kind']}: {_with_interval(k, n)}"))
        by_chance = number / 40
        rows.sort(reverse=True)
        yield from _text(
            f"Above {level:.0%} by the lower end of the 95% interval: {len(rows)} of {number} cells, where "
            f"chance alone gives about {by_chance:.0f}: {'; '.join(text for _, text in rows) or 'none'}."
        )


def _knowable(stored: Mapping[str, Any]) -> Iterator[str]:
    found = [one for one in stored["nulls"] if one["kind"] == ALPHAS.name]
    yield "## Where something can be known"
    yield ""
    yield from _text(
        "Mean returns that differ from symbol to symbol for good can be learned from the past, so a forecast "
        "that follows past returns is right to ring: these shares are no error rates, but for noise. "
        "Selection, at 5% / at 1%."
    )
    yield from _alphas(found)
    yield from _text(
        "Who knows the true betas knows more of a symbol's mean return than anybody can measure, where the "
        "market's mean return is not 0. The selection test, on the true betas, at 5% / at 1%."
    )
    cells = [one for one in stored["nulls"] if one["horizon"] == 1 and one["kind"] != ALPHAS.name]
    yield f"| {' | '.join(cell['kind'] for cell in cells)} |"
    yield "|" + "---:|" * len(cells)
    shares = [
        " / ".join(f"{cell['counts'][TRUE_BETA][SELECTION][place] / cell['paths']:.3f}" for place in range(2))
        for cell in cells
    ]
    yield f"| {' | '.join(shares)} |"
    yield ""


def _alphas(found: list[Mapping[str, Any]]) -> Iterator[str]:
    heads = [f"{one['horizon']} day{'s' * (one['horizon'] > 1)} ahead" for one in found]
    yield f"| forecast | {' | '.join(heads)} |"
    yield "|---|" + "---:|" * len(found)
    for forecast in found[0]["counts"]:
        shares = [
            " / ".join(
                f"{one['counts'][forecast][SELECTION][place] / one['paths']:.3f}" for place in range(2)
            )
            for one in found
        ]
        yield f"| {forecast} | {' | '.join(shares)} |"
    yield ""


def _powers(stored: Mapping[str, Any]) -> Iterator[str]:
    yield "## With skill: how many symbols it takes"
    yield ""
    paths = stored["arguments"]["planted"]
    yield from _text(
        f"Share of {paths} panels that ring at 1% with one try, and behind it at the bar of 50 independent "
        "tries (z 3.54). A part of each symbol's next return that nobody else shares explains R2 of its "
        "variance; the forecast correlates with that part by 1 (all that can be known) or by .3 (what a "
        "model finds of a weak or interacting signal). Panels of kind `factor`. With 5 symbols the least "
        "number of a day is 5 here, and level, beta and two volatilities take 4 of their 5 degrees of "
        "freedom: below 10 no verdict is given."
    )
    every = {(one["names"], one["r2"], one["learned"], one["days"]): one for one in stored["power"]}
    sizes = [names for names in SIZES if all((names, r2, LEARNED[0], SPANS[0]) in every for r2 in SHARES)]
    yield "| R2, % | correlation | days | " + " | ".join(f"{names} symbols" for names in sizes) + " |"
    yield "|---:|---:|---:|" + "---:|" * len(sizes)
    for learned in LEARNED:
        for r2 in SHARES:
            for days in SPANS:
                counts = [every[names, r2, learned, days]["counts"] for names in sizes]
                shares = [f"{of[1] / paths:.2f} / {of[2] / paths:.2f}" for of in counts]
                yield f"| {100 * r2:g} | {learned:g} | {days} | {' | '.join(shares)} |"
    yield ""


def _shuffled(stored: Mapping[str, Any]) -> Iterator[str]:
    yield "## The whole pipeline, the link between features and returns cut"
    yield ""
    yield from _text(
        "`python bench/panel_shuffled.py`: the command itself from prices to verdict (pooled ridge), on "
        "outcomes of other days in blocks of 21 that are put into one other order for all symbols. Mean rank "
        "correlation with the standard error of that mean, the spread of the correlations in units of the "
        "error that each run states (1 where that is right), and how often each test rings at 5%, with its "
        "exact interval. The second line of each kind is the same without shuffling."
    )
    heads = ("panels", "link", "runs", "days, median", "rank IC, %", "spread / error")
    yield f"| {' | '.join(heads)} | selection at 5% | timing at 5% |"
    yield "|---|---|---:|---:|---:|---:|---|---|"
    words = {
        "made": "made, 15 symbols, R2 .5% planted in each",
        "real": "28 US stocks, default recipe",
    }
    for kind, facts in stored.items():
        for link, runs in (("cut", facts["shuffled"]), ("whole", facts["whole"])):
            ic, error = (np.array([run[name] for run in runs]) for name in ("ic", "error"))
            many = len(runs) > 1
            mean = f"{100 * ic.mean():.2f} (error {100 * (_error(ic) if many else error[0]):.2f})"
            spread = f"{np.sqrt(np.mean((ic / error) ** 2)):.2f}" if many and link == "cut" else ""
            rings = [
                _with_interval(sum(run[test] < LEVELS[0] for run in runs), len(runs))
                for test in (SELECTION, TIMING)
            ]
            days = f"{np.median([run['days'] for run in runs]):.0f}"
            yield f"| {' | '.join((words[kind], link, str(len(runs)), days, mean, spread, *rings))} |"
    yield ""


def _error(values: Floats) -> float:
    return float(values.std(ddof=1)) / math.sqrt(values.size)


if __name__ == "__main__":
    main()
