"""How often the best of many tries without skill rings, and what the correction costs one with skill.

    python bench/many_tries.py [--markets 1000] [--tries 50] [--days 1764]

Scores of a day are a forecast times an outcome, both in units of their volatility: normal times Student's t
with 5 degrees of freedom, clipped as the skill test clips. Families: independent tries; tries whose forecasts
share 80% of their variance; copies; tries on days of which half are their own; tries with skewed outcomes.
Prints a table; nothing is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np

from geiger.evidence import many_tries
from geiger.evidence.errors_of_mean import white_error
from geiger.evidence.many_tries import DayScores, adjusted_p
from geiger.evidence.resampling import resample_counts

SEEDS = 12  # of draws, which know nothing of the market: drawing takes longer than the rest, so they are kept
NORMAL = NormalDist()
Family = Callable[[np.random.Generator, int, int], list[DayScores]]


def outcomes(rng: np.random.Generator, n: int, skew: float = 0.0) -> np.ndarray:
    """Return clipped outcomes (n,) around their own mean; `skew` stretches the falls."""
    u = rng.standard_t(5, n) * np.sqrt(3 / 5)
    v = np.clip(np.where(u < 0, (1 + skew) * u, u), -1.5, 1.5)
    return v - v.mean()


def tries(rng: np.random.Generator, m: int, n: int, shared: float, skew: float = 0.0) -> list[DayScores]:
    """Return tries on the same outcomes, whose forecasts share a part of their variance."""
    v, common = outcomes(rng, n, skew), rng.normal(size=n)
    forecasts = np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=(m, n))
    return [DayScores(np.arange(n), f * v) for f in forecasts]


def staggered(rng: np.random.Generator, m: int, n: int) -> list[DayScores]:
    """Return tries on windows of `n` days that begin anywhere within the first `n` days."""
    v = outcomes(rng, 2 * n)
    begin = rng.integers(n, size=m)
    return [DayScores(np.arange(b, b + n), rng.normal(size=n) * v[b : b + n]) for b in begin]


FAMILIES: dict[str, Family] = {
    "independent": lambda rng, m, n: tries(rng, m, n, 0.0),
    "forecasts share 80%": lambda rng, m, n: tries(rng, m, n, 0.8),
    "copies": lambda rng, m, n: tries(rng, 1, n, 0.0) * m,
    "half of the days": staggered,
    "skewed outcomes": lambda rng, m, n: tries(rng, m, n, 0.0, skew=0.5),
}


def p_of(one: DayScores) -> float:
    """Return the one-sided p of a mean above 0."""
    return NORMAL.cdf(-float(one.c.mean()) / white_error(one.c))


def at(one: DayScores, z: float) -> DayScores:
    """Return the try with its statistic moved to `z`."""
    return DayScores(one.days, one.c - one.c.mean() + z * white_error(one.c))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("markets", 1000), ("tries", 50), ("days", 1764), ("bars", 50)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--only", nargs="*", default=list(FAMILIES))
    args = parser.parse_args()
    many_tries.resample_counts = cache(resample_counts)
    for name in args.only:
        rng = np.random.default_rng(list(FAMILIES).index(name))
        best, single, cost = [], [], {z: [] for z in (2.326, 3.09, 3.54)}
        for market in range(args.markets):
            family = FAMILIES[name](rng, args.tries, args.days)
            p = [p_of(one) for one in family]
            which = int(np.argmin(p))
            best.append(adjusted_p(family, which, p, seed=market % SEEDS))
            single.append(p[0])
            if market < args.bars:
                for z in cost:
                    first = at(family[0], z)
                    # The others stand at 0: whether one of them is stronger is not the question here.
                    others = [NORMAL.cdf(-z), *[0.5] * (args.tries - 1)]
                    cost[z].append(adjusted_p([first, *family[1:]], 0, others, seed=market % SEEDS))
        rang = {level: float(np.mean(np.array(best) < level)) for level in (0.05, 0.01)}
        alone = {level: float(np.mean(np.array(single) < level)) for level in (0.05, 0.01)}
        print(
            f"{name}: best rings {100 * rang[0.05]:.1f}% at 5%, {100 * rang[0.01]:.2f}% at 1%; "
            f"one try alone {100 * alone[0.05]:.1f}%, {100 * alone[0.01]:.2f}%; "
            + ", ".join(f"z {z}: p {np.mean(told):.4f}" for z, told in cost.items()),
            flush=True,
        )


if __name__ == "__main__":
    main()
