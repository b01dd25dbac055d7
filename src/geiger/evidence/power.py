"""How much data it takes to see an effect of a given size, where it is there.

One-sided tests at `level`, that ring with probability `power` where the effect is as large as stated.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from geiger.errors import SettingError

_NORMAL = NormalDist()


def rows_for_hit_rate(rate: float, base: float, *, level: float = 0.05, power: float = 0.8) -> int:
    """Return the days after which a share of right directions is told from what costs nothing.

    ((z_level sqrt(base (1 - base)) + z_power sqrt(rate (1 - rate))) / (rate - base))^2, rounded up.

    Parameters
    ----------
    rate, base : float
        True share of right directions, and that of always naming the commoner one; 0 < base < rate < 1.

    Examples
    --------
    >>> rows_for_hit_rate(0.52, 0.5), rows_for_hit_rate(0.6, 0.5)
    (3863, 153)
    """
    if not 0 < base < rate < 1:
        raise SettingError(f"power: a hit rate above its base, both within 0 and 1, not {rate} and {base}")
    of_level, of_power = _quantiles(level, power)
    spread = of_level * math.sqrt(base * (1 - base)) + of_power * math.sqrt(rate * (1 - rate))
    return math.ceil((spread / (rate - base)) ** 2)


def rows_for_correlation(correlation: float, *, level: float = 0.05, power: float = 0.8) -> int:
    """Return the days after which a correlation of forecast and outcome is told from 0.

    ((z_level + z_power) / atanh(rho))^2 + 3, rounded up (Fisher 1921); 0 < rho < 1. Days must be independent:
    outcomes over several days count once each span.

    >>> rows_for_correlation(0.1)
    618
    """
    if not 0 < correlation < 1:
        raise SettingError(f"power: a correlation between 0 and 1, not {correlation}")
    return math.ceil((sum(_quantiles(level, power)) / math.atanh(correlation)) ** 2 + 3)


def years_for_sharpe(annual: float, *, level: float = 0.05, power: float = 0.8) -> float:
    """Return the years after which a Sharpe ratio is told from 0.

    ((z_level + z_power) / SR)^2, as the t of a Sharpe ratio is the annual one times the root of the years.

    >>> round(years_for_sharpe(0.6), 1)
    17.2
    """
    if not annual > 0:
        raise SettingError(f"power: an annual Sharpe ratio above 0, not {annual}")
    return (sum(_quantiles(level, power)) / annual) ** 2


def _quantiles(level: float, power: float) -> tuple[float, float]:
    if not 0 < level < power < 1:
        raise SettingError(f"power: 0 < level < power < 1 is needed, got level {level} and power {power}")
    return -_NORMAL.inv_cdf(level), _NORMAL.inv_cdf(power)
