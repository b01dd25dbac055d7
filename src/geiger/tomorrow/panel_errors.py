"""Errors of a panel's earlier out-of-sample forecasts, beside the volatility known when they were made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.backtest.sizing import trailing_volatility
from geiger.evidence.conformal import HALFLIFE, Coverage, coverage, scores_of
from geiger.panel.material import PanelMaterial
from geiger.records import Notice, as_text
from geiger.tomorrow.prediction import OTHER_SHARE, SAME_RETURN

Floats = npt.NDArray[np.float64]

SHOWN = 8  # symbols named in a sentence


class PanelErrors:
    """Earlier out-of-sample forecasts with an outcome, on days that the prices at hand have, too."""

    def __init__(self, forecasts: pl.DataFrame, material: PanelMaterial) -> None:
        self.scale = _scale(material)
        self.material = material
        place = pl.DataFrame(
            {
                "symbol": pl.Series(material.symbols, dtype=pl.String),
                "column": pl.Series(range(len(material.symbols)), dtype=pl.Int64),
            }
        )
        calendar = pl.DataFrame({"day": material.calendar}).with_row_index("at")
        both = forecasts.join(calendar, on="day").join(place, on="symbol").sort("column", "at")
        scale = self.scale[both["at"].to_numpy(), both["column"].to_numpy()]
        usable = (both["outcome"].is_not_null() & both["known_on"].is_not_null()).to_numpy() & (scale > 0.0)
        self._rows = both.with_columns(scale=scale).filter(pl.Series(usable))
        self._parts = {str(key[0]): rows for key, rows in self._rows.group_by("symbol", maintain_order=True)}

    def scores(self, symbol: str) -> Floats:
        """Return a symbol's errors in units of their scale (n,)."""
        rows = self._parts.get(symbol)
        return np.zeros(0) if rows is None else scores_of(rows["forecast"], rows["outcome"], rows["scale"])

    def coverage(self, level: float) -> Coverage:
        """Return how often intervals made from a symbol's errors before each row held its outcome, of all."""
        found = [self._held(rows, level) for rows in self._parts.values()]
        found = [one for one in found if one.rows]
        total = sum(one.rows for one in found)
        if not total:
            return Coverage(level, 0, None, None, None)

        def share(name: str) -> float:
            return float(sum(getattr(one, name) * one.rows for one in found) / total)

        return Coverage(level, total, share("covered"), share("below"), share("above"))

    def other_prices(self) -> tuple[Notice, ...]:
        """Return a doubt where the prices at hand are not those that the run was scored on."""
        outcomes = self.material.grid(self.material.outcome)
        other = []
        for symbol, rows in self._parts.items():
            now = outcomes[rows["at"].to_numpy(), rows["column"].to_numpy()]
            then = rows["outcome"].to_numpy()
            both = np.isfinite(now)
            if both.sum() < 2:
                continue
            differs = np.abs(now[both] - then[both]) > SAME_RETURN * then[both].std()
            if differs.mean() > OTHER_SHARE:
                other.append(symbol)
        if not other:
            return ()
        text = (
            f"on more than {as_text(OTHER_SHARE, 'share')} of the days that the run forecast, the prices of "
            f"{_listed(other)} have another return than those it was trained on: other symbols or another "
            "source; give the right ones with --data, or train on these"
        )
        return (Notice("PRICES_DIFFER", text),)

    @staticmethod
    def _held(rows: pl.DataFrame, level: float) -> Coverage:
        day = rows["day"].to_numpy()
        known = np.searchsorted(day, rows["known_on"].to_numpy())
        known = np.maximum(known, np.arange(len(day)) + 1)
        return coverage(rows["forecast"], rows["outcome"], rows["scale"], known, level)


def _scale(material: PanelMaterial) -> Floats:
    """Return the fast volatility of each symbol, as known at each close (D, N); NaN without a bar."""
    close = material.bars["close"]
    found = np.full(close.shape, np.nan)
    for column in range(close.shape[1]):
        there = np.flatnonzero(np.isfinite(close[:, column]))
        own = close[there, column]
        returns = np.append(np.nan, own[1:] / own[:-1] - 1.0)[: len(own)]
        found[there, column] = trailing_volatility(returns, HALFLIFE)
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
