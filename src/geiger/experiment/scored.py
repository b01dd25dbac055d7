"""The forecasts of a walk, put to the standardised score test on the rows of their material."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.errors import DataError
from geiger.evidence.normal_scores import partial_normal_scores
from geiger.evidence.score_test import ScoreTest, daily_volatility, score_test
from geiger.experiment.material import Floats, Material


def known_rows(target: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Return the first row at whose close each row's outcome is known (n,), above its own and never falling.

    It is the row of `known_on` of a TARGET frame, or the first one behind it. Rows without an outcome, which
    no test looks at, are said to know it as early as the rows around them allow.
    """
    own, known = np.arange(target.height, dtype=np.int64), target["known_on"]
    rows = target["day"].search_sorted(known.fill_null(target["day"][0])).to_numpy()
    rows = np.where(known.is_null().to_numpy(), 0, rows.astype(np.int64))
    return np.asarray(np.maximum.accumulate(np.maximum(rows, own + 1)), dtype=np.int64)


def daily_returns(material: Material) -> Floats:
    """Return the log return of each row (n,), close to close, known at its close; the first has none."""
    return np.diff(np.log(material.prices["close"].to_numpy()), prepend=np.nan)


def scored(forecasts: pl.DataFrame, material: Material, horizon: int) -> ScoreTest:
    """Put forecasts to the score test; everything else it reads comes from the material.

    Parameters
    ----------
    forecasts : FORECASTS frame
        Out of sample, of days of the material.
    material : Material
        Its prices give the daily volatility, its target all outcomes with the days on which they are known.
    horizon : int
        Days that an outcome spans.

    Raises
    ------
    DataError
        A forecast is of a day that the material lacks.
    """
    days = forecasts["day"]
    strange = days.filter(~days.is_in(material.prices["day"].implode()))
    if len(strange):
        raise DataError(
            f"score test: the forecast of {strange[0]} has no price row of {material.symbol}; give the "
            "prices that the forecasts were made from"
        )
    column = np.full(material.prices.height, np.nan)
    column[material.rows_of(days)] = forecasts["forecast"].to_numpy()
    outcome = material.target["value"].to_numpy()
    return score_test(daily_returns(material), outcome, known_rows(material.target), column, horizon)


def second_opinion(forecasts: pl.DataFrame, material: Material, horizon: int) -> float | None:
    """Return the p-value of the partial normal scores of the same forecasts; None where they tell nothing."""
    columns = (forecasts["forecast"].to_numpy(), forecasts["outcome"].to_numpy())
    rows, known = material.rows_of(forecasts["day"]), known_rows(material.target)
    return normal_scores_p(*columns, rows, daily_returns(material), known, horizon)


def normal_scores_p(
    forecast: Floats,
    outcome: Floats,
    rows: npt.NDArray[np.int64],
    returns: Floats,
    known_from: npt.NDArray[np.int64],
    horizon: int,
) -> float | None:
    """Return the p-value of the partial normal scores of forecasts and outcomes (n,) on `rows` (n,).

    Parameters
    ----------
    returns, known_from : array (N,)
        Of all rows: daily log returns, and the first row at whose close the outcome of a row is known.
    """
    if not rows.size:
        return None
    scale = daily_volatility(returns)[rows]
    # Rows of the test alone: an outcome is known from the first of them at which it is.
    known = np.searchsorted(rows, known_from[rows])
    kept = np.isfinite(scale)
    first = int(np.argmax(kept)) if kept.any() else rows.size
    if not kept[first:].all() or first == rows.size:
        return None
    told = partial_normal_scores(
        forecast[first:], outcome[first:], scale[first:], known[first:] - first, horizon
    )
    return None if told.statistic is None else told.p_value
