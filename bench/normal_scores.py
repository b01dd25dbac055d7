"""How often the second opinion of ranks rings where no skill is, and where some is.

    python bench/normal_scores.py [--markets 300] [--days 1824]

Markets: GARCH(1, 1) with Student's t of 5 degrees of freedom (h = om + 0.08 e^2 + 0.9 h, 18% volatility and
8% drift a year), the same with skewed outcomes, with skewness that grows with volatility, and with a drift
that changes sign with a regime. Forecasts without skill: noise, the variance, minus it, the mean of the
last 21 and 252 returns, minus the mean of the last 5 and 252. With skill: the part of the outcome itself at
R^2 1%, in units of volatility or scaled by it. The scale is an EWMA (0.94) of squared returns. Prints shares
of markets that ring at 5% and 1%; nothing is written.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

from geiger.evidence.normal_scores import partial_normal_scores

BEFORE = 300  # days before the first forecast, for means of past returns
SIGMA, DRIFT = 0.18 / np.sqrt(252), 0.08 / 252


def market(
    rng: np.random.Generator, n: int, kind: str, rho: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return returns, true volatilities known a day before, and the signal (n,)."""
    u = rng.standard_t(5, n) * np.sqrt(3 / 5)
    calm = rng.uniform(size=n)
    signal, h, last = rng.normal(size=n), SIGMA**2, 0.0
    returns, volatility = np.empty(n), np.empty(n)
    regime = np.where((np.cumsum(rng.uniform(size=n) < 1 / 250)) % 2, 1.0, -1.0)
    for t in range(n):
        h = SIGMA**2 * 0.02 + 0.08 * last**2 + 0.9 * h
        volatility[t] = np.sqrt(h)
        z = u[t]
        if kind == "skewed" or (kind == "skewness follows volatility" and volatility[t] > SIGMA):
            # A rare fall against many small rises, with mean 0 and variance 1.
            z = 0.8 * z + 0.6 * (0.25 if calm[t] > 1 / 17 else -4.0)
        last = volatility[t] * (rho * signal[t] + np.sqrt(1 - rho**2) * z)
        drift = DRIFT * (4 * regime[t] if kind == "drift regimes" else 1.0)
        returns[t] = drift + last
    return returns, volatility, signal


def ewma(returns: np.ndarray) -> np.ndarray:
    """Return the volatility (n,) known after each day."""
    squares = returns**2
    found, level = np.empty(returns.size), float(squares[:60].mean())
    for t, square in enumerate(squares):
        level = 0.94 * level + 0.06 * square
        found[t] = np.sqrt(level)
    return found


def past_mean(returns: np.ndarray, days: int) -> np.ndarray:
    """Return the mean of the last `days` returns (n,), known after each day."""
    return np.convolve(returns, np.ones(days) / days)[: returns.size]


FORECASTS: dict[str, Callable[[np.random.Generator, np.ndarray, np.ndarray], np.ndarray]] = {
    "noise": lambda rng, r, s: rng.normal(size=r.size),
    "variance": lambda rng, r, s: s**2,
    "minus variance": lambda rng, r, s: -(s**2),
    "mean of 21": lambda rng, r, s: past_mean(r, 21),
    "mean of 252": lambda rng, r, s: past_mean(r, 252),
    "minus mean of 5": lambda rng, r, s: -past_mean(r, 5),
    "minus mean of 252": lambda rng, r, s: -past_mean(r, 252),
}


def rings(returns: np.ndarray, s: np.ndarray, forecast: np.ndarray) -> float:
    """Return the p of forecasts known after each day, of the return of the next."""
    kept = slice(BEFORE, returns.size - 1)
    f, y, scale = forecast[kept], returns[BEFORE + 1 :], s[kept]
    return partial_normal_scores(f, y, scale, np.arange(f.size) + 1).p_value


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markets", type=int, default=300)
    parser.add_argument("--days", type=int, default=1824)
    parser.add_argument("--only", nargs="*", default=list(FORECASTS), metavar="FORECAST")
    args = parser.parse_args()
    for kind in ("steady", "skewed", "skewness follows volatility", "drift regimes"):
        told: dict[str, list[float]] = {name: [] for name in args.only}
        for seed in range(args.markets):
            rng = np.random.default_rng([seed, 1])
            returns, _, _ = market(rng, args.days + BEFORE + 1, kind)
            s = ewma(returns)
            for name in args.only:
                told[name].append(rings(returns, s, FORECASTS[name](rng, returns, s)))
        show(kind, told)
    power: dict[str, list[float]] = {"signal": [], "signal times volatility": []}
    for seed in range(args.markets):
        rng = np.random.default_rng([seed, 2])
        returns, volatility, signal = market(rng, args.days + BEFORE + 1, "steady", rho=0.1)
        s, ahead = ewma(returns), np.append(signal[1:], 0.0)
        power["signal"].append(rings(returns, s, ahead))
        power["signal times volatility"].append(rings(returns, s, ahead * np.append(volatility[1:], 1.0)))
    show("R^2 1%", power)


def show(kind: str, told: dict[str, list[float]]) -> None:
    """Print one line a forecast."""
    for name, values in told.items():
        p = np.array(values)
        shares = [float(np.mean(p < level)) for level in (0.05, 0.01, 0.001, 0.0002)]
        print(
            f"{kind} | {name}: 5% {shares[0]:.3f}, 1% {shares[1]:.3f}, "
            f"z 3.09 {shares[2]:.3f}, z 3.54 {shares[3]:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
