"""How much a Sharpe ratio says: its error, the record it needs, and what the best of many reaches by chance.

Sharpe ratios are per period (per day for daily returns) unless a name says annual.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from geiger.errors import SettingError
from geiger.metrics import sharpe_variance

_NORMAL = NormalDist()
_EULER = 0.5772156649015329  # Euler-Mascheroni: the mean of a standard Gumbel variable


def probabilistic_sharpe(
    sharpe: float, n: int, *, benchmark: float = 0.0, skew: float = 0.0, kurtosis: float = 3.0
) -> float | None:
    """Return the probability that the true Sharpe ratio lies above `benchmark`.

    Phi[(SR - SR*) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2)].

    Parameters
    ----------
    sharpe, benchmark : float
        Per period.
    n : int
        Number of returns.
    skew, kurtosis : float
        Of the returns; kurtosis is 3 for a normal distribution.

    Returns
    -------
    float or None
        None with fewer than two returns, or where the variance term is not positive.

    References
    ----------
    Bailey & Lopez de Prado (2012), The Sharpe Ratio Efficient Frontier.

    Examples
    --------
    >>> round(probabilistic_sharpe(0.458, 24, skew=-2.448, kurtosis=10.164), 3)
    0.913
    """
    variance = sharpe_variance(sharpe, skew, kurtosis)
    if n < 2 or variance <= 0:
        return None
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((n - 1) / variance))


def min_track_record(
    sharpe: float,
    *,
    benchmark: float = 0.0,
    skew: float = 0.0,
    kurtosis: float = 3.0,
    confidence: float = 0.95,
) -> float | None:
    """Return the number of returns after which `sharpe` is told from `benchmark`.

    1 + (1 - g3 SR + (g4 - 1)/4 SR^2) (z / (SR - SR*))^2, all Sharpe ratios per period.

    Returns
    -------
    float or None
        None where the ratio does not exceed the benchmark: no record is long enough.

    References
    ----------
    Bailey & Lopez de Prado (2012), The Sharpe Ratio Efficient Frontier.
    """
    variance = sharpe_variance(sharpe, skew, kurtosis)
    if sharpe <= benchmark or variance <= 0:
        return None
    return 1 + variance * (_NORMAL.inv_cdf(confidence) / (sharpe - benchmark)) ** 2


def expected_max_sharpe(trials: int, spread: float = 1.0) -> float:
    """Return the Sharpe ratio that the best of `trials` independent ones without skill has on average.

    spread ((1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))), g the Euler-Mascheroni constant: the mean of
    the extreme-value distribution that the maximum tends to. Correct to a few hundredths for N of 5 or more.

    Parameters
    ----------
    trials : int
        N, at least 1; the best of one is that one, and has 0 on average.
    spread : float
        Standard deviation of the Sharpe ratios over the trials, in the unit of the result.

    Raises
    ------
    SettingError
        There is no trial, or the spread is below 0.

    References
    ----------
    Bailey & Lopez de Prado (2014), The Deflated Sharpe Ratio.

    Examples
    --------
    >>> round(expected_max_sharpe(100), 3), expected_max_sharpe(1)
    (2.531, 0.0)
    """
    if trials < 1 or not spread >= 0:
        raise SettingError(
            f"best Sharpe ratio of {trials} trials with spread {spread}: give at least one trial and no "
            "spread below 0"
        )
    if trials == 1:
        return 0.0
    typical, tail = (_NORMAL.inv_cdf(1 - 1 / n) for n in (trials, trials * math.e))
    return spread * ((1 - _EULER) * typical + _EULER * tail)


def deflated_sharpe(
    sharpe: float, n: int, *, trials: int, spread: float, skew: float = 0.0, kurtosis: float = 3.0
) -> float | None:
    """Return the probability that the true Sharpe ratio lies above what the best of `trials` has by chance.

    `probabilistic_sharpe` against `expected_max_sharpe`. It takes the trials as independent, which trials on
    the same prices are not, and asks more than chance does of one that was chosen for another reason.

    Parameters
    ----------
    sharpe : float
        Of the chosen trial, per period.
    n : int
        Number of its returns.
    trials : int
        Number of all trials, the chosen one included.
    spread : float
        Standard deviation of the Sharpe ratios per period over the trials.
    skew, kurtosis : float
        Of the returns; kurtosis is 3 for a normal distribution.

    Returns
    -------
    float or None
        None where `probabilistic_sharpe` has none.

    References
    ----------
    Bailey & Lopez de Prado (2014), The Deflated Sharpe Ratio.

    Examples
    --------
    >>> year = 250**0.5
    >>> told = deflated_sharpe(2.5 / year, 1250, trials=100, spread=0.5**0.5 / year, skew=-3, kurtosis=10)
    >>> round(told, 4)
    0.9004
    """
    chance = expected_max_sharpe(trials, spread)
    return probabilistic_sharpe(sharpe, n, benchmark=chance, skew=skew, kurtosis=kurtosis)


def lo_factor(autocorrelations: Sequence[float], periods: int = 252) -> float | None:
    """Return eta: the annual Sharpe ratio is eta times the one of a period.

    periods / sqrt(periods + 2 sum_{k < periods} (periods - k) rho_k); sqrt(periods) without autocorrelation.

    Parameters
    ----------
    autocorrelations : sequence of float
        rho_1, rho_2, ... of the returns; those not given count as 0, those from `periods` on are not used.
    periods : int
        Returns in a year.

    Returns
    -------
    float or None
        None where the implied variance of the annual return is not positive.

    References
    ----------
    Lo (2002), The Statistics of Sharpe Ratios.

    Examples
    --------
    >>> round(lo_factor([0.1**k for k in range(1, 252)]), 2)
    14.36
    """
    terms = enumerate(autocorrelations[: periods - 1], start=1)
    variance = periods + 2 * sum((periods - lag) * rho for lag, rho in terms)
    return periods / math.sqrt(variance) if variance > 0 else None
