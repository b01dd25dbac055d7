"""On which day a forecast was made, as its own moves show it.

From one row to the next a forecast moves with what was learned between. A forecast made at the close of t has
seen the return of t and no later one, so its move may follow that return as closely as it likes: trends and
reversals do. Where it follows the return of t + 1 more closely than skill allows, the rows are dated before
their forecasts were made. A trend over a year has a correlation of .06 with a return that it should not know,
and looks like skill; its moves have one of .7.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geiger import metrics
from geiger.records import Notice

Floats = npt.NDArray[np.float64]

LEAK = "LEAK_SUSPECT"
BELIEVABLE = np.sqrt(0.03)  # correlation of a forecast with its outcome; the limit of R^2 of the leak alarm
ERRORS = 3.0  # standard errors beyond it, for this looks at any forecast
FEWEST = 60  # moves, before anything is said


def dated_too_early(forecast: Floats, after: Floats) -> Notice | None:
    """Return an alarm where the moves of forecasts follow a return that was still to come.

    Parameters
    ----------
    forecast : array (N,)
        Not a number on rows without one.
    after : array (N,)
        Return that begins at the close of each row.
    """
    found = _follows(forecast, after)
    if found is None or abs(found[0]) - ERRORS * found[1] <= BELIEVABLE:
        return None
    return Notice(
        LEAK,
        f"from day to day the forecasts move with the return of the day after (correlation {found[0]:.2f}, "
        f"standard error {found[1]:.2f}), which nobody knew on theirs: they are dated a day too early, or "
        "made with prices of the day that they are of",
    )


def dated_too_late(forecast: Floats, returns: Floats) -> str | None:
    """Return a sentence where forecasts follow the return of the day before, and not that of their own.

    Such rows may be dated by the day that they are of. Nothing then looks better than it is: the forecasts
    are held against a day that they were not made for.

    Parameters
    ----------
    returns : array (N,)
        Return that ends at the close of each row.
    """
    own, before = _follows(forecast, returns), _follows(forecast, np.append(np.nan, returns[:-1]))
    if own is None or before is None:
        return None
    if abs(own[0]) > ERRORS * own[1] or abs(before[0]) - ERRORS * before[1] <= BELIEVABLE:
        return None
    return (
        "the forecasts move with the return of the day before, and not with that of their own: where a row's "
        "day is the one that it is of, write the session before, on which it was made"
    )


def _follows(forecast: Floats, returns: Floats) -> tuple[float, float] | None:
    """Return the correlation of the moves of forecasts with returns, and its standard error."""
    move = np.diff(forecast, prepend=np.nan)
    both = np.isfinite(move) & np.isfinite(returns)
    if both.sum() < FEWEST:
        return None
    rho = metrics.correlation(move[both], returns[both])
    error = metrics.correlation_error(move[both], returns[both])
    return None if rho is None or error is None else (rho, error)
