"""What a strategy must be compared with: the same days and the same costs, without its forecasts."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geiger.backtest.costs import Costs
from geiger.backtest.figures import is_constant
from geiger.backtest.simulate import simulate
from geiger.columns import LEDGER, require
from geiger.errors import DataError

Floats = NDArray[np.float64]

BUY_AND_HOLD = "buy_and_hold"
CONSTANT_EXPOSURE = "constant_exposure"
VOLATILITY_MATCHED = "volatility_matched"
SIGN_PERSISTENCE = "sign_persistence"


def baselines(
    ledger: pl.DataFrame,
    last_returns: Floats,
    costs: Costs,
    days_per_year: int = 252,
    liquidate: bool = True,
) -> dict[str, pl.DataFrame]:
    """Return the LEDGER of each baseline on the rows of a strategy's ledger.

    ``buy_and_hold`` is bought once and pays one entry (and, with `liquidate`, one exit) like everybody.
    ``constant_exposure`` holds the strategy's mean net weight every day and pays for rebalancing its drift:
    what the market part of the strategy alone would have earned. ``volatility_matched`` holds the constant
    weight, the rest in cash, that gives buy-and-hold the strategy's realised volatility. ``sign_persistence``
    holds the sign of the last close-to-close return, with no threshold against cost.

    The two in the middle are yardsticks, not strategies: their one weight is set by the whole sample.

    Parameters
    ----------
    ledger : LEDGER frame
        The strategy.
    last_returns : array (n,)
        Close-to-close return of the asset on each decision day, known at its close.
    costs, days_per_year, liquidate
        As the strategy was simulated.
    """
    require(ledger, LEDGER)
    if len(last_returns) != len(ledger) or not np.isfinite(last_returns).all():
        raise DataError(
            f"baselines: last_returns needs one finite number for each of the {len(ledger)} ledger rows"
        )

    def run(weight: Floats | float) -> pl.DataFrame:
        return simulate(_rows(ledger), _weights(ledger, weight), costs, days_per_year, liquidate)

    held = buy_and_hold(ledger, costs, days_per_year, liquidate)
    return {
        BUY_AND_HOLD: held,
        CONSTANT_EXPOSURE: run(float(ledger["weight"].to_numpy().mean())),
        VOLATILITY_MATCHED: run(_matching_weight(ledger["net"].to_numpy(), held["net"].to_numpy())),
        SIGN_PERSISTENCE: run(np.sign(last_returns)),
    }


def buy_and_hold(
    ledger: pl.DataFrame, costs: Costs, days_per_year: int = 252, liquidate: bool = True
) -> pl.DataFrame:
    """Return the LEDGER of buying once and holding, on the rows of a strategy's ledger; see `baselines`."""
    return simulate(_rows(ledger), _weights(ledger, 1.0), costs, days_per_year, liquidate)


def _matching_weight(net: Floats, market: Floats) -> float:
    """Return the share of buy-and-hold with the volatility of `net`; 0 where either does not move."""
    if net.size < 2 or is_constant(market) or is_constant(net):
        return 0.0
    return float(net.std(ddof=1) / market.std(ddof=1))


def _rows(ledger: pl.DataFrame) -> pl.DataFrame:
    return ledger.select("day", entry_day="fill_day", known_on="exit_day", simple="asset_return")


def _weights(ledger: pl.DataFrame, weight: Floats | float) -> pl.DataFrame:
    return pl.DataFrame(
        {"day": ledger["day"], "weight": np.broadcast_to(weight, len(ledger)).astype(np.float64)}
    )
