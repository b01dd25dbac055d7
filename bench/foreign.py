"""How often `geiger judge` rings on forecasts from elsewhere, and how often its alarm on their dates does.

    python bench/foreign.py [--markets 400]

Made markets of 1500 days; 300 days of prices before the first forecast. Forecasts that know nothing, of five
honest kinds, dated rightly and a day early; and a planted signal of R2 1%, given as it is. One try, signed.
Keeps the counts in bench/results/foreign.json; three minutes on a core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.judging.dating import dated_too_early
from geiger.judging.foreign import verdict
from geiger.market.synthetic import garch_market, planted_market

sys.path.insert(0, str(Path(__file__).parent))
from harness import RESULTS, machine

Floats = npt.NDArray[np.float64]

DAYS, BEFORE = 1500, 300
STORED = RESULTS / "foreign.json"


def _mean(returns: Floats, half_life: float) -> Floats:
    return np.asarray(pl.Series(np.nan_to_num(returns)).ewm_mean(half_life=half_life).to_numpy())


HONEST: Mapping[str, Callable[[Floats, np.random.Generator], Floats]] = {
    "reversal": lambda r, rng: -0.05 * np.nan_to_num(r),
    "trend, half-life 5 days": lambda r, rng: 0.2 * _mean(r, 5.0),
    "trend, half-life 60 days": lambda r, rng: _mean(r, 60.0),
    "noise": lambda r, rng: 0.001 * rng.normal(size=r.size),
    "slow noise": lambda r, rng: 0.002 * _mean(rng.normal(size=r.size), 40.0),
}


def measured(markets: int) -> Iterator[tuple[str, str]]:
    """Yield (forecast, what was said of it), one or two a forecast."""
    rng = np.random.default_rng(11)
    for seed in range(markets):
        prices = garch_market(DAYS, 5000 + seed)
        returns = np.diff(np.log(prices["close"].to_numpy()), prepend=np.nan)
        after = np.append(returns[1:], np.nan)
        for name, make in HONEST.items():
            forecast = make(returns, rng)
            yield name, _answer(prices, forecast)
            for dated, rows in (("rightly", forecast), ("a day early", np.append(forecast[1:], np.nan))):
                if dated_too_early(rows, after) is not None:
                    yield name, f"alarm on dates, dated {dated}"
        planted = planted_market(DAYS, 7000 + seed, 0.01)
        yield "planted", _answer(planted.prices, 0.001 * np.asarray(planted.signal))


def _answer(prices: pl.DataFrame, forecast: Floats) -> str:
    rows = pl.DataFrame({"day": prices["day"], "forecast": forecast})[BEFORE:]
    # What trading was worth decides no answer, and its resamples would take most of the time.
    with patch("geiger.judging.economics.bootstrap_mean_p", return_value=(0.5, 0.5)):
        return str(verdict(rows, prices=prices, tries=1, made_in_time=True).answer)


def main() -> None:
    """Measure, print and keep the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--markets", type=int, default=400, help="of each kind")
    args = parser.parse_args()
    found: dict[str, Counter[str]] = {}
    for name, said in measured(args.markets):
        found.setdefault(name, Counter())[said] += 1
    for name, counts in found.items():
        print(f"{name}: {dict(counts)}")
    result = {
        "command": f"python bench/foreign.py --markets {args.markets}",
        "machine": machine(),
        "markets": args.markets,
        "counts": {name: dict(sorted(counts.items())) for name, counts in found.items()},
    }
    STORED.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
