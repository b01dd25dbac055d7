"""How often tests of skill find some: in markets without any, and of forecasts that know a given share.

Every test sees the same paths, rows and forecasts. The score test takes the forecast as it is; the others
take it less the mean of its own last 252 values, which each of them would otherwise need from its user.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt

from geiger.evidence.direction import pesaran_timmermann
from geiger.evidence.normal_scores import partial_normal_scores
from geiger.evidence.regime import following
from geiger.evidence.score_test import daily_volatility, score_test
from geiger.evidence.sharpe import probabilistic_sharpe
from geiger.seeds import generator
from geiger.studies.null_markets import FAMILIES, YEAR, plain_forecasts, planted, trailing_mean

Floats = npt.NDArray[np.float64]

ROWS, TESTED = 2520, 1764  # ten years, of which the last seven are forecast
COST = 0.0005  # of what is traded
SCORE, RANKS, HAC, SIGNS = "score test", "normal scores", "HAC correlation", "PT"
REGIME = "score test, and a trend is followed"
SHARPE, GATES = "PSR of the sign", "plan's gates"
TESTS = (SCORE, RANKS, HAC, SIGNS, SHARPE, GATES)


CONSTANT, BY_PATH, SCALED = "constant", "constant by path", "with the volatility"


@dataclass(frozen=True)
class Cell:
    """One question: which forecasts in which market, over how many days, on which paths.

    Attributes
    ----------
    family : str
        Of `null_markets.FAMILIES`, or a signal, of a size that is `CONSTANT`, so on every path by itself
        (`BY_PATH`), or goes with the volatility (`SCALED`).
    r2 : float
        What the signal explains; 0 for a family.
    memory : float
        Of the signal, from day to day.
    ranked : int
        Number of paths, the first, on which normal scores are counted too: they take most of the time.
    """

    family: str
    horizon: int = 1
    r2: float = 0.0
    memory: float = 0.0
    ranked: int = 0


def count(
    cell: Cell, paths: int, seed: int, levels: Iterable[float], processes: int = 2
) -> dict[tuple[str, str, float], tuple[int, int]]:
    """Return on how many of how many paths a test has p at most a level, by (forecast, test, level)."""
    levels, found = tuple(levels), dict[tuple[str, str, float], tuple[int, int]]()
    with get_context("spawn").Pool(processes) as pool:  # forking a process with threads can lock it up
        for p_values in pool.imap_unordered(partial(_on_path, cell, seed), range(paths), chunksize=20):
            for (forecast, test), p in p_values.items():
                for level in levels:
                    key = (forecast, test, level)
                    below, of = found.get(key, (0, 0))
                    found[key] = (below + (p <= level), of + 1)
    return found


def _on_path(cell: Cell, seed: int, number: int) -> dict[tuple[str, str], float]:
    rng = generator(seed, cell.family, cell.horizon, round(cell.r2 * 1e6), str(cell.memory), number)
    if cell.r2 > 0.0:
        path, truth = planted(
            ROWS,
            rng,
            cell.r2,
            scaled=cell.family == SCALED,
            by_path=cell.family == BY_PATH,
            memory=cell.memory,
        )
        forecasts: Mapping[str, Floats] = {"truth": truth}
    else:
        (family,) = (one for one in FAMILIES if one.name == cell.family)
        path = family.make(ROWS, rng)
        forecasts = plain_forecasts(path, rng, cell.horizon)
    outcome, known = path.outcome(cell.horizon)
    test_rows = np.arange(ROWS) >= ROWS - TESTED
    found = {}
    for name, forecast in forecasts.items():
        now = np.where(test_rows, forecast, np.nan)
        test = score_test(path.returns, outcome, known, now, cell.horizon)
        found[name, SCORE] = test.p_value
        found[name, REGIME] = 1.0 if following(path.returns, test.scores) is None else test.p_value
        centred = forecast - np.append(np.nan, trailing_mean(forecast, YEAR)[:-1])
        keep = test_rows & np.isfinite(centred) & np.isfinite(outcome)
        for rival, p in rivals(centred[keep], outcome[keep], cell.horizon).items():
            found[name, rival] = p
        if number < cell.ranked:
            keep = test_rows & np.isfinite(forecast) & np.isfinite(outcome)
            s, first = daily_volatility(path.returns)[keep], int(np.argmax(keep))
            found[name, RANKS] = partial_normal_scores(
                forecast[keep], outcome[keep], s, known[keep] - first, cell.horizon
            ).p_value
    return found


def rivals(forecast: Floats, outcome: Floats, horizon: int) -> dict[str, float]:
    """Return the p-value of each other test; of the plan's gates 0 where all are passed, else 1.

    The gates are those of one run without its training rows: Sharpe above .6, direction above 52%, 5 points a
    year above buy-and-hold, and no fall of 35%.
    """
    found = {HAC: newey_west(forecast, outcome, horizon)}
    found[SIGNS] = pesaran_timmermann(forecast, outcome).p_value
    if horizon > 1:
        return found
    position = np.sign(forecast)
    net = position * outcome - COST * np.abs(np.diff(position, prepend=0.0))
    spread = net.std(ddof=1)
    sharpe = float(net.mean() / spread) if spread > 0.0 else 0.0
    z = (net - net.mean()) / spread if spread > 0.0 else net
    sure = probabilistic_sharpe(sharpe, net.size, skew=float((z**3).mean()), kurtosis=float((z**4).mean()))
    found[SHARPE] = 1.0 if sure is None else 1.0 - sure
    equity = np.exp(np.cumsum(net))
    fall = float((1.0 - equity / np.maximum.accumulate(np.maximum(equity, 1.0))).max())
    passed = (
        sharpe * math.sqrt(YEAR) > 0.6
        and float((np.sign(outcome) == position).mean()) > 0.52
        and (net.sum() - outcome.sum()) * YEAR / net.size > 0.05
        and fall < 0.35
    )
    found[GATES] = 0.0 if passed else 1.0
    return found


def newey_west(forecast: Floats, outcome: Floats, horizon: int = 1) -> float:
    """Return the one-sided p-value of the slope of outcome on forecast, error of Newey & West (1987).

    Bartlett weights over 4 (n/100)^(2/9) lags, at least 2 (horizon - 1).
    """
    n = forecast.size
    x = forecast - forecast.mean()
    spread = float((x * x).sum())
    if spread <= 0.0:
        return 1.0
    slope = float((x * outcome).sum()) / spread
    score = x * (outcome - outcome.mean() - slope * x)
    lags = max(int(4.0 * (n / 100.0) ** (2.0 / 9.0)), 2 * (horizon - 1))
    variance = float((score * score).sum())
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float((score[lag:] * score[:-lag]).sum())
    if variance <= 0.0:
        return 1.0
    return 0.5 * math.erfc(slope * spread / math.sqrt(2.0 * variance))
