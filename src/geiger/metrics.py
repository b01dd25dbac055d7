"""Figures of a forecast: pure functions of (forecast, outcome), and the health table of every model.

Arrays are one-dimensional and aligned: row t of `forecast` was made for row t of `outcome`. Outcomes must be
known (finite): the caller drops rows whose outcome is still open. A figure that is undefined is None, and so
is every figure of forecasts that are not all finite. Only `nrc1` and `nrc2` look elsewhere:
at the features inside a network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geiger.errors import DataError
from geiger.records import Health, HealthCode

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
Days = NDArray[np.int64]

_Z_97_5 = 1.96  # two-sided 95%
_Z_95 = 1.645  # one-sided 95%
ENOUGH_ROWS = 20  # with fewer no error of a correlation is told: a handful of rows lies on a line by chance
_ROUNDING = 1e-12  # a spread below this share of the level is rounding, not information


def direction_accuracy(forecast: ArrayLike, outcome: ArrayLike) -> float | None:
    """Return the share of rows whose forecast has the sign of the outcome.

    Rows with outcome 0 are dropped; a forecast of 0 counts as wrong.

    Examples
    --------
    >>> direction_accuracy([0.1, -0.2, 0.0, 0.3], [0.5, 0.1, 0.2, 0.0])
    0.3333333333333333
    """
    f, y = _pair(forecast, outcome)
    moved = y != 0
    if not moved.any() or not np.isfinite(f).all():
        return None
    return float(np.mean(np.sign(f[moved]) == np.sign(y[moved])))


def base_rate(outcome: ArrayLike) -> float | None:
    """Return max(p_up, 1 - p_up): the accuracy of always naming the commoner direction.

    Rows with outcome 0 are dropped, as in `direction_accuracy`.
    """
    y = _known(outcome)
    moved = y[y != 0]
    if not moved.size:
        return None
    up = float(np.mean(moved > 0))
    return max(up, 1 - up)


def accuracy_gain(forecast: ArrayLike, outcome: ArrayLike, horizon: int = 1) -> tuple[float, float] | None:
    """Return direction accuracy minus base rate, and its standard error, see `mean_error`; None as they are.

    >>> accuracy_gain([1.0, 1.0, -1.0, -1.0], [1.0, 1.0, 1.0, -1.0])
    (0.0, 0.3535533905932738)
    """
    f, y = _pair(forecast, outcome)
    f, y = f[y != 0], y[y != 0]
    if not y.size or not np.isfinite(f).all():
        return None
    commoner = 1.0 if np.mean(y > 0) >= 0.5 else -1.0
    gained = (np.sign(f) == np.sign(y)).astype(np.float64) - (np.sign(y) == commoner)
    gain = float(gained.mean())
    return gain, mean_error(gained - gain, horizon)


def sharpe_variance(sharpe: float, skew: float = 0.0, kurtosis: float = 3.0) -> float:
    """Return n times the variance of a Sharpe ratio of n returns, all per period.

    1 - g3 SR + (g4 - 1)/4 SR^2; kurtosis is 3 for a normal distribution. Bailey & Lopez de Prado (2012).
    """
    return 1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe**2


def pred_std(forecast: ArrayLike, outcome: ArrayLike) -> float | None:
    """Return k = std(forecast) / std(outcome), both with ddof 0.

    A calibrated forecast has k = R: 0.10 at R^2 = 1%. None where the outcome does not vary or a forecast is
    not finite.
    """
    f, y = _pair(forecast, outcome)
    if f.size < 2 or not np.isfinite(f).all():
        return None
    return _ratio(_std(f), _std(y))


def correlation(forecast: ArrayLike, outcome: ArrayLike) -> float | None:
    """Return Pearson's rho of forecast and outcome; None where one of them does not vary."""
    f, y = _pair(forecast, outcome)
    if f.size < 2 or not np.isfinite(f).all() or not _std(f) or not _std(y):
        return None
    zf, zy = _standardised(f), _standardised(y)
    return float(np.clip(np.mean(zf * zy), -1.0, 1.0))


def correlation_influence(forecast: ArrayLike, outcome: ArrayLike) -> Vector | None:
    """Return what each row adds to the error of the correlation (n,).

    z_y z_f - rho (z_y^2 + z_f^2) / 2, over one minus the leverage of the row's forecast; the mean square
    over n is the variance of the correlation. None with fewer than 20 rows, or where that is undefined.

    Notes
    -----
    1 / sqrt(n) would take outcome and forecast as independent of each other's size. Forecasts that follow the
    volatility, as most do, are large where the outcome is: over 2000 GARCH markets of 1764 days 12 to 22%
    lie outside a 95% band of that width, and 5% outside this one (5 to 7.5% with 54 and 252 days). It is no
    cure where past returns move the forecast itself: a trend comes out too low in few rows (Stambaugh 1999),
    and under leverage a forecast that follows the volatility too high (docs/evidence/error-rates.md).
    White (1980); the leverage MacKinnon & White (1985).
    """
    rho = correlation(forecast, outcome)
    f, y = _pair(forecast, outcome)
    if rho is None or f.size < ENOUGH_ROWS:
        return None
    zf, zy = _standardised(f), _standardised(y)
    return (zf * zy - rho * (zf**2 + zy**2) / 2) / _free(zf)


def correlation_error(
    forecast: ArrayLike, outcome: ArrayLike, horizon: int = 1, day: Days | None = None
) -> float | None:
    """Return the standard error of the correlation, from its influence values.

    Parameters
    ----------
    forecast, outcome : array of shape (n,)
    horizon : int
        Rows that one outcome spans, see `mean_error`.
    day : int array of shape (n,), optional
        Number of the day of each row, from 0: see `by_day`.
    """
    influence = correlation_influence(forecast, outcome)
    return None if influence is None else mean_error(by_day(influence, day), horizon)


def by_day(values: Vector, day: Days | None) -> Vector:
    """Return what each day adds to the mean of `values` (n,), as many days as there are; itself without days.

    Rows of one day share its news, so an error counts days and not rows. The mean stays what it is.

    >>> by_day(np.array([1.0, 3.0, 2.0, 6.0]), np.array([0, 0, 1, 1]))
    array([2., 4.])
    """
    if day is None:
        return values
    total = np.bincount(day, weights=values)
    return np.asarray(total * (total.size / values.size))


def mean_error(values: ArrayLike, horizon: int = 1) -> float:
    """Return the standard error of a mean whose rows deviate from it by `values` (n,), at least one.

    Rows may differ in spread. Outcomes of `horizon` rows overlap: above 1 the error allows for it with
    2 (horizon - 1) lags (Newey & West 1987), and is still too small in short samples: of correlations that
    are 0, over five days each, 6 to 9% lie outside a 95% band with 1764 rows, and 9 to 14% with 252.

    >>> mean_error([1.0, -1.0, 1.0, -1.0])
    0.5
    """
    return lagged_error(values, 2 * (horizon - 1))


def lagged_error(values: ArrayLike, lags: int) -> float:
    """Return the same where a row may hang together with the `lags` rows before it (Newey & West 1987).

    >>> lagged_error([1.0, 1.0, -1.0, -1.0], 0), lagged_error([1.0, -1.0, 1.0, -1.0], 1)
    (0.5, 0.25)
    """
    deviation = _vector("values", values)
    n = deviation.size
    variance = float(np.mean(deviation**2))
    lags = min(lags, n - 1)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(deviation[lag:] @ deviation[:-lag]) / n
    return math.sqrt(max(variance, 0.0) / n)


def calibration_slope(forecast: ArrayLike, outcome: ArrayLike) -> float | None:
    """Return beta = Cov(outcome, forecast) / Var(forecast), which equals rho / k.

    1 is calibrated, below 1/2 the squared error exceeds that of the mean, far above 1 is over-shrunk.
    Mincer & Zarnowitz (1969).
    """
    rho, k = correlation(forecast, outcome), pred_std(forecast, outcome)
    return None if rho is None or k is None else _ratio(rho, k)


def r2_oos(forecast: ArrayLike, outcome: ArrayLike, train_mean: ArrayLike) -> float | None:
    """Return 1 - sum (y - forecast)^2 / sum (y - train_mean)^2.

    Parameters
    ----------
    forecast, outcome : array of shape (n,)
    train_mean : float or array of shape (n,)
        Mean of the target on the train rows of the fold that made each forecast.

    Notes
    -----
    With no bias this equals 2 rho k - k^2. Campbell & Thompson (2008).
    """
    f, y = _pair(forecast, outcome)
    error = mean_squared_error(f, y)
    benchmark = mean_squared_error(_per_row("train_mean", train_mean, y.size), y)
    if error is None or not benchmark:
        return None
    return _finite(1 - error / benchmark)


def r2_gain(
    forecast: ArrayLike, rival: ArrayLike, outcome: ArrayLike, train_mean: ArrayLike
) -> tuple[float, float] | None:
    """Return by how much the out-of-sample R^2 of `forecast` exceeds that of `rival`, and its standard error.

    The mean over the rows of (y - rival)^2 - (y - forecast)^2, in units of the mean of (y - train_mean)^2
    (after Diebold and Mariano 1995, one day ahead). None with fewer than two rows, or outcomes that never
    leave the train mean. With the train mean as rival it is `r2_oos`.

    Parameters
    ----------
    forecast, rival, outcome : array of shape (n,)
    train_mean : float or array of shape (n,)

    Examples
    --------
    >>> r2_gain([1.0, -1.0], [0.0, 0.0], [1.0, -1.0], 0.0)
    (1.0, 0.0)
    """
    found = r2_gain_influence(forecast, rival, outcome, train_mean)
    return None if found is None else (found[0], mean_error(found[1]))


def r2_gain_influence(
    forecast: ArrayLike, rival: ArrayLike, outcome: ArrayLike, train_mean: ArrayLike
) -> tuple[float, Vector] | None:
    """Return `r2_gain`, and what each row adds to its error (n,): both parts of the ratio count."""
    f, y = _pair(forecast, outcome)
    other = _vector("rival", rival)
    if other.size != y.size:
        raise DataError(f"rival: {other.size} forecasts for {y.size} outcomes; give one each")
    squares = (y - _per_row("train_mean", train_mean, y.size)) ** 2
    total = float(np.mean(squares)) if y.size else 0.0
    if y.size < 2 or not total > 0.0:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        gains = (y - other) ** 2 - (y - f) ** 2
        gain = float(gains.mean()) / total
    return (gain, (gains - gain * squares) / total) if math.isfinite(gain) else None


def mean_squared_error(forecast: ArrayLike, outcome: ArrayLike) -> float | None:
    """Return the mean of (outcome - forecast)^2, in squared units of the outcome."""
    f, y = _pair(forecast, outcome)
    with np.errstate(over="ignore", invalid="ignore"):
        return _finite(float(np.mean((y - f) ** 2))) if f.size else None


def madl(forecast: ArrayLike, outcome: ArrayLike) -> float | None:
    """Return the mean of -sign(outcome forecast) |outcome|: minus what trading the sign earns a row.

    A figure, not a loss to train with: in the forecast it is flat wherever it is smooth. Michankow, Sakowski
    & Slepaczuk (2023).

    Examples
    --------
    >>> madl([0.1, -0.2, 0.0], [0.5, 0.1, 0.3])
    -0.13333333333333333
    """
    f, y = _pair(forecast, outcome)
    if not f.size or not np.isfinite(f).all():
        return None
    return 0.0 - float(np.mean(np.sign(f) * y))


def positive_share(forecast: ArrayLike) -> float | None:
    """Return the share of forecasts above 0."""
    return share_above(forecast, 0.0)


def share_above(forecast: ArrayLike, level: ArrayLike) -> float | None:
    """Return the share of forecasts above `level`, a number or one number for each row.

    With the train mean as level this is the share that should sit near one half. The raw positive share need
    not: of calibrated Gaussian forecasts Phi(drift / (r sigma)) are above 0, drift and sigma those of the
    target, r the correlation with it.
    """
    f = _vector("forecast", forecast)
    if not f.size or not np.isfinite(f).all():
        return None
    return float(np.mean(f > _per_row("level", level, f.size)))


def nrc1(features: ArrayLike) -> float | None:
    """Return how far a network's last features are from lying on a line: 0 is on it.

    Parameters
    ----------
    features : array of shape (M, d)
        What the linear head reads, one row a sample.

    Returns
    -------
    float or None
        Mean squared distance of the centred, then row-normalised features from their first principal axis;
        features without a preferred direction give 1 - 1/d. None where all rows are alike, or some
        are not finite.

    Notes
    -----
    First figure of neural regression collapse for a single target: Andriopoulos et al. (2024). A network that
    fits its train rows well tends to 0, which is no fault.
    """
    centred = _centred(_matrix("features", features, dimensions=(2,)))
    if centred is None:
        return None
    return _distance(centred, np.linalg.eigh(centred.T @ centred).eigenvectors[:, -1:].T)


def nrc2(features: ArrayLike, head: ArrayLike) -> float | None:
    """Return how far a network's last features are from the space its head reads: 0 is in it.

    Parameters
    ----------
    features : array of shape (M, d)
        As in `nrc1`.
    head : array of shape (n, d) or (d,)
        Weights of the linear head.

    Returns
    -------
    float or None
        Mean squared distance of the centred, then row-normalised features from the space of the head's rows.
        None where all features are alike, the head is 0, or something is not finite.
    """
    h = _matrix("features", features, dimensions=(2,))
    weights = np.atleast_2d(_matrix("head", head, dimensions=(1, 2)))
    if weights.shape[1] != h.shape[1]:
        raise DataError(
            f"metrics: {h.shape[1]} features need a head of shape (n, {h.shape[1]}), got {weights.shape}"
        )
    centred = _centred(h)
    if centred is None or not np.isfinite(weights).all() or not weights.any():
        return None
    _, strength, axes = np.linalg.svd(weights, full_matrices=False)
    return _distance(centred, axes[strength > _ROUNDING * strength[0]])


def health(
    forecast: ArrayLike,
    outcome: ArrayLike,
    train_mean: ArrayLike,
    train_std: ArrayLike,
    n_train: ArrayLike,
    horizon: int = 1,
    day: ArrayLike | None = None,
) -> Health:
    """Judge the stitched out-of-sample forecasts of one model.

    Parameters
    ----------
    forecast, outcome : array of shape (n,)
        In the unit of the target; the outcome is known in every row.
    train_mean, train_std, n_train : float or array of shape (n,)
        Mean, standard deviation and number of the train labels of the fold that made each row.
    horizon : int
        Rows that one label spans, see `mean_error`.
    day : int array of shape (n,), optional
        Number of the day of each row, from 0, where several rows share one: errors then hold days together.

    Raises
    ------
    DataError
        No rows, shapes that do not agree, or an outcome that is not known.

    Notes
    -----
    A model that puts out one constant for each fold has collapsed too, so spread is also measured around the
    fold's own train mean and around the fold's own mean forecast.

    Where nothing has failed these may hold together: DRIFT_ONLY, one of OVERDISPERSED and SHRUNK_OK, and
    NO_SKILL. A forecast that does not swing too widely and has no correlation above 0 is NO_SKILL alone.
    """
    f, y = _pair(forecast, outcome)
    if not f.size:
        raise DataError("health: there are no forecasts; give at least one row")
    if not np.isfinite(f).all():
        bad = int((~np.isfinite(f)).sum())
        text = f"{bad} of {f.size} forecasts are not finite, so nothing can be measured"
        return Health(HealthCode.NONFINITE, (), text, f.size)
    mean = _per_row("train_mean", train_mean, f.size)
    sigma = _per_row("train_std", train_std, f.size)
    noise = float(np.mean(sigma / np.sqrt(np.maximum(_per_row("n_train", n_train, f.size), 1.0))))
    found = _measure(f, y, mean, horizon, None if day is None else np.asarray(day, dtype=np.int64))
    constant = _is_constant(f, y, mean, float(np.mean(sigma)))
    codes = _codes(found, constant=constant, near_mean=abs(float(np.mean(f - mean))) <= 3 * noise)
    return Health(
        code=codes[0],
        also=codes[1:],
        meaning=_meaning(codes, found),
        n=f.size,
        k=found.k,
        rho=found.rho,
        rho_hi=found.rho_hi,
        beta=found.beta,
        positive=found.positive,
        above_mean=found.above_mean,
        rho_error=found.rho_error,
    )


@dataclass(frozen=True)
class _Measured:
    n: int
    k: float | None
    rho: float | None
    rho_error: float | None
    beta: float | None
    beta_error: float | None
    positive: float
    above_mean: float

    @property
    def rho_hi(self) -> float | None:
        if self.rho is None or self.rho_error is None:
            return None
        return self.rho + _Z_97_5 * self.rho_error

    @property
    def one_sided(self) -> bool:
        return not 0.02 <= self.positive <= 0.98


def _measure(f: Vector, y: Vector, mean: Vector, horizon: int, day: Days | None) -> _Measured:
    return _Measured(
        n=f.size,
        k=pred_std(f, y),
        rho=correlation(f, y),
        rho_error=correlation_error(f, y, horizon, day),
        beta=calibration_slope(f, y),
        beta_error=_slope_error(f, y, horizon, day),
        positive=float(np.mean(f > 0)),
        above_mean=float(np.mean(f > mean)),
    )


def _codes(found: _Measured, *, constant: bool, near_mean: bool) -> tuple[HealthCode, ...]:
    """Return the first matching code, then the harmless ones that hold with it."""
    if constant:
        return (HealthCode.COLLAPSED_CONSTANT,)
    if found.one_sided and not near_mean:
        return (HealthCode.COLLAPSED_SIGN,)
    if found.k is None or found.rho is None or found.rho_error is None or found.rho_hi is None:
        return (HealthCode.NO_SKILL,)
    wide = found.k > 2 * max(found.rho_hi, 0.0)
    no_skill = found.rho < _Z_95 * found.rho_error
    # Real skill with a slope above 4 is shrunk further than needed, and still no fault.
    fits = _calibrated(found) or not no_skill
    matches = {
        HealthCode.DRIFT_ONLY: found.one_sided,
        HealthCode.OVERDISPERSED: wide,
        HealthCode.SHRUNK_OK: found.rho > 0 and not wide and fits,
        HealthCode.NO_SKILL: no_skill,
    }
    return tuple(code for code, holds in matches.items() if holds)


def _calibrated(found: _Measured) -> bool:
    """Whether the slope's 95% interval holds 1, or the spread is at least a quarter of the best one."""
    if found.k is None or found.rho is None or found.beta is None or found.beta_error is None:
        return False
    return abs(found.beta - 1) <= _Z_97_5 * found.beta_error or found.k >= found.rho / 4


def _slope_error(f: Vector, y: Vector, horizon: int, day: Days | None = None) -> float | None:
    """Return the standard error of the calibration slope (White 1980), None where that of rho is."""
    rho, k = correlation(f, y), pred_std(f, y)
    if rho is None or not k or f.size < ENOUGH_ROWS:
        return None
    zf, zy = _standardised(f), _standardised(y)
    return _finite(mean_error(by_day(zf * (zy - rho * zf) / _free(zf), day), horizon) / k)


def _free(zf: Vector) -> Vector:
    """Return one minus the leverage (n,) of each standardised forecast: what its row leaves to the others."""
    return np.maximum(1.0 - (1.0 + zf**2) / zf.size, 1.0 / zf.size)


def _is_constant(f: Vector, y: Vector, mean: Vector, sigma: float) -> bool:
    scale = _std(y) or sigma
    around = (f, f - mean, f - _mean_of_fold(f, mean))
    return any(_std(x) < 0.005 * scale or _distinct(x, sigma) < min(5, f.size) for x in around)


def _mean_of_fold(f: Vector, mean: Vector) -> Vector | float:
    """Return each row's mean forecast within its fold, which its train mean names; 0 where folds are tiny."""
    _, fold = np.unique(mean, return_inverse=True)
    rows = np.bincount(fold)
    if f.size < 5 * rows.size:
        return 0.0
    return np.asarray((np.bincount(fold, f) / rows)[fold])


def _distinct(x: Vector, sigma: float) -> int:
    """Count values that differ by more than 1e-9 sigma."""
    steps = np.diff(np.sort(x))
    return 1 + int(np.count_nonzero(steps > 1e-9 * sigma))


def _meaning(codes: tuple[HealthCode, ...], found: _Measured) -> str:
    k, rho, beta = (_number(x) for x in (found.k, found.rho, found.beta))
    side = f"{100 * found.positive:.1f}% of the forecasts are positive"
    shrunk_further = found.beta is not None and found.beta > 4 and HealthCode.NO_SKILL not in codes
    match codes[0]:
        case HealthCode.COLLAPSED_CONSTANT:
            text = (
                f"the forecasts are all but constant (k {k}): there is nothing in them to be right or wrong"
            )
        case HealthCode.COLLAPSED_SIGN:
            text = f"{side} because of a bias, not because of the drift seen in training"
        case HealthCode.DRIFT_ONLY:
            text = f"{side}: the model predicts the drift of its training rows and times nothing"
        case HealthCode.OVERDISPERSED:
            text = f"the forecasts swing too widely (k {k}): rescale them by a slope from earlier forecasts"
        case HealthCode.SHRUNK_OK if shrunk_further:
            text = f"the forecasts go with the outcome (rho {rho}), shrunk further than needed (slope {beta})"
        case HealthCode.SHRUNK_OK:
            text = f"the spread of the forecasts (k {k}) fits what they may know (rho {rho}, slope {beta})"
        case _:
            return _no_skill(found)
    return f"{text}; {_no_skill(found)}" if HealthCode.NO_SKILL in codes[1:] else text


def _no_skill(found: _Measured) -> str:
    rho = f"the correlation with the outcome (rho {_number(found.rho)}"
    if found.n < ENOUGH_ROWS:
        return f"{found.n} rows are too few to tell {rho}) from chance"
    if found.rho is None or found.rho_error is None:
        return "the outcome does not move, so there is no skill to measure"
    if found.rho < -_Z_95 * found.rho_error:
        # Of these rows only: a trend in the returns themselves comes out below 0 too often, see the notes of
        # `correlation_influence`.
        return (
            f"{rho}, se {found.rho_error:.4f}) is below 0 by more than {_Z_95} errors: on these rows they "
            "pointed the wrong way"
        )
    return f"{rho}, se {found.rho_error:.4f}) is within the noise of a forecast without skill"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _centred(h: Matrix) -> Matrix | None:
    """Return centred features (m, d) in units of the largest, without rows in the centre; None if all are."""
    level = float(np.max(np.abs(h), initial=0.0))
    if not level or not math.isfinite(level):
        return None
    centred = h / level - np.mean(h / level, axis=0)
    kept = np.linalg.norm(centred, axis=1) > _ROUNDING
    return np.asarray(centred[kept]) if kept.any() else None


def _distance(centred: Matrix, axes: Matrix) -> float:
    """Return the mean squared distance of the normalised rows (m, d) from orthonormal `axes` (n, d)."""
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return float(np.mean(np.sum((unit - unit @ axes.T @ axes) ** 2, axis=1)))


def _vector(name: str, values: ArrayLike) -> Vector:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise DataError(f"metrics: {name} must be one-dimensional, got shape {array.shape}")
    return array


def _matrix(name: str, values: ArrayLike, dimensions: tuple[int, ...]) -> Matrix:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim not in dimensions:
        wanted = " or ".join(map(str, dimensions))
        raise DataError(f"metrics: {name} must have {wanted} dimensions, got shape {array.shape}")
    return array


def _known(outcome: ArrayLike) -> Vector:
    y = _vector("outcome", outcome)
    if not np.isfinite(y).all():
        row = int(np.argmin(np.isfinite(y)))
        raise DataError(f"metrics: outcome is {y[row]} in row {row}; drop rows whose outcome is not known")
    return y


def _pair(forecast: ArrayLike, outcome: ArrayLike) -> tuple[Vector, Vector]:
    f, y = _vector("forecast", forecast), _known(outcome)
    if f.shape != y.shape:
        raise DataError(f"metrics: {f.size} forecasts against {y.size} outcomes; give one of each a row")
    return f, y


def _per_row(name: str, value: ArrayLike, n: int) -> Vector:
    array = np.asarray(value, dtype=np.float64)
    if array.shape not in ((), (n,)):
        raise DataError(f"metrics: {name} must be one number or {n}, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise DataError(f"metrics: {name} is not finite")
    return np.broadcast_to(array, (n,))


def _std(x: Vector) -> float:
    """Return the standard deviation (ddof 0), and exactly 0 where the spread is rounding."""
    level = float(np.max(np.abs(x), initial=0.0))
    if not level:
        return 0.0
    spread = float(np.std(x / level))  # scaled first, so that squares cannot overflow
    return level * spread if spread > _ROUNDING else 0.0


def _standardised(x: Vector) -> Vector:
    scaled = x / np.max(np.abs(x))
    return np.asarray((scaled - scaled.mean()) / scaled.std(), dtype=np.float64)


def _ratio(top: float, bottom: float) -> float | None:
    return _finite(top / bottom) if bottom else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
