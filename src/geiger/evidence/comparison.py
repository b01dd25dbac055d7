"""The best of several forecasts against a benchmark, and lengths of blocks: adapters of the library arch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.typing import ArrayLike

from geiger.errors import DataError, SettingError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SuperiorAbility:
    """The p of no forecast being better than the benchmark, under three views of the bad ones.

    Attributes
    ----------
    lower, consistent, upper : float
        With forecasts worse than the benchmark left out, weighed by how clearly they are worse (the one to
        read), and taken as just as good.
    """

    lower: float
    consistent: float
    upper: float


def superior_ability(
    benchmark: ArrayLike, losses: ArrayLike, *, block: float, resamples: int = 5000, seed: int
) -> SuperiorAbility:
    """Test whether the best of several forecasts loses less than the benchmark.

    Parameters
    ----------
    benchmark : array (n,)
        Losses, such as squared errors, in the order of their days.
    losses : array (n, forecasts)
        Losses of the forecasts on the same days.
    block : float
        Mean block of the stationary bootstrap in days, see `block_length`; rounded to whole days.
    resamples, seed : int

    Raises
    ------
    DataError
        The losses are not finite, not on the same days, or those of a forecast differ from the benchmark's by
        a constant only.
    SettingError
        The block or the number of resamples is below 1.

    References
    ----------
    Hansen (2005), A Test for Superior Predictive Ability.
    """
    from arch.bootstrap import SPA

    base, models = _losses(benchmark, losses)
    _check_bootstrap(block, resamples)
    test = SPA(base, models, round(block), resamples, "stationary", seed=seed)
    test.compute()
    return SuperiorAbility(*(float(test.pvalues[kind]) for kind in ("lower", "consistent", "upper")))


def better_than(
    benchmark: ArrayLike,
    losses: ArrayLike,
    *,
    level: float = 0.05,
    block: float,
    resamples: int = 5000,
    seed: int,
) -> tuple[int, ...]:
    """Return which forecasts lose less than the benchmark, none falsely with probability 1 - `level` or more.

    Parameters and errors are those of `superior_ability`.

    Returns
    -------
    tuple of int
        Columns of `losses`, ascending.

    References
    ----------
    Romano & Wolf (2005), Stepwise Multiple Testing as Formalized Data Snooping (StepM).
    """
    from arch.bootstrap import StepM

    if not 0 < level < 1:
        raise SettingError(f"comparison: give a level between 0 and 1, such as 0.05, not {level}")
    base, models = _losses(benchmark, losses)
    _check_bootstrap(block, resamples)
    test = StepM(base, models, level, round(block), resamples, "stationary", seed=seed)
    test.compute()
    return tuple(sorted(int(str(column)) for column in test.superior_models))


def block_length(values: ArrayLike) -> float:
    """Return the mean block in days that suits the stationary bootstrap of a mean, at least 1.

    Parameters
    ----------
    values : array (n,)
        In the order of their days; at least 20.

    Raises
    ------
    DataError
        Too few values, one that is not finite, or no spread.

    References
    ----------
    Politis & White (2004), Automatic Block-Length Selection for the Dependent Bootstrap, with the correction
    of Patton, Politis & White (2009).
    """
    from arch.bootstrap import optimal_block_length

    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size < 20 or not np.isfinite(x).all() or np.ptp(x) == 0:
        raise DataError(
            f"block length: give one column of 20 finite values or more that are not all the same; "
            f"got shape {x.shape}"
        )
    return max(1.0, float(optimal_block_length(x)["stationary"].iloc[0]))


def _losses(benchmark: ArrayLike, losses: ArrayLike) -> tuple[Floats, Floats]:
    base, models = np.asarray(benchmark, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    if base.ndim != 1 or models.ndim != 2 or len(base) != len(models) or len(base) < 2 or not models.size:
        raise DataError(
            f"comparison: give benchmark losses (n,) and losses (n, forecasts), "
            f"got {base.shape} and {models.shape}"
        )
    if not (np.isfinite(base).all() and np.isfinite(models).all()):
        raise DataError("comparison: a loss is not finite; drop days that are not known")
    difference = base[:, None] - models
    flat = np.ptp(difference, axis=0) <= 1e-12 * np.abs(difference).max(axis=0)
    if flat.any():
        raise DataError(
            f"comparison: the losses of forecast {int(np.argmax(flat))} differ from the benchmark's by "
            "nothing or by a constant; leave it out"
        )
    return base, models


def _check_bootstrap(block: float, resamples: int) -> None:
    if not block >= 1 or resamples < 1:
        raise SettingError(
            f"comparison: give a mean block of 1 day or more and at least one resample, "
            f"not {block} and {resamples}"
        )
