"""Why a network's forecasts look as they do: from its health and its trainings to one cause and one remedy.

Small forecasts are mostly right: at an R^2 of 1% the best one has a tenth of the outcome's spread. Faults are
looked for only where the network has not even learned its train rows, or where its loss forbids it to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median

from geiger.errors import DataError
from geiger.records import Cause, Diagnosis, Health, HealthCode, Training, as_text

_NIL = 0.005  # k of a constant: even a perfect forecast of that size explains 0.0025%
_SHRUNK = 4  # rho / k above this is shrunk further than needed, as in the health table
_SLOPES = (0.5, 2.0)  # rho / k of a forecast whose size fits what it knows; below 1/2 it loses to the mean
_SMALL = 0.10  # k, in sigma: what R^2 = 1% gives, and daily returns seldom give more
_WRONG = 0.5  # share of days on which a weak forecast has the wrong sign
_DIRECTION_WEIGHT = {"directional_mse": 0.5, "plan_mix": 1.5}  # of |y - f| per squared error, usual settings
_REACH = 3e-3  # sigma; 64 independent features moved that far spread a forecast by 0.024: R^2 of 0.06%
_SLOW_RATE = 1e-5  # a hundredth of Adam's usual rate
_UNMOVED = 0.9  # last gradient / first: what is left of it where training has hardly begun
_KEPT = 0.5  # share of the spread that the penalty must leave; a milder penalty often helps
_DEAD = 1e-6  # sigma; noise alone leaves 0.1 to 1 at a head that lives
_COPY = 0.9  # |correlation| with the last return; a forecast that only uses it is not that alike
_COPY_SIZE = 0.3  # k; a calibrated AR(1) forecast of daily returns has about 0.1
_ON_A_LINE = 0.02  # NRC1


_TEXT = {
    Cause.HEALTHY: "Healthy: the spread of the forecasts fits what they know; nothing is to be done.",
    Cause.RIGHTLY_SMALL: "Rightly small: so little can be known that small forecasts are right; leave them.",
    Cause.NO_SIGNAL: "No signal: what the network learns does not hold on test rows and no fault of training "
    "explains it, so there is nothing to mend; try other features, or more rows.",
    Cause.LOSS_SCALE: "Loss scale: the directional penalty pulls forecasts of usual size to 0; train with "
    "mse or consistent on the standardised target.",
    Cause.LEARNING_RATE: "Learning rate: the weights could not move far enough to learn; raise the rate to "
    "about 1e-3, let the plateau wait longer, or train more steps.",
    Cause.DECAY: "Weight decay: the penalty is too large for the unit of the target; standardise the target, "
    "or lower the penalty.",
    Cause.DEAD_HEAD: "Dead head: no gradient reaches the head, so it cannot learn; look for constant inputs "
    "and for units that put out 0, and take a smooth activation.",
    Cause.COPIES_YESTERDAY: "Copies yesterday: the forecast is the last return again, wide but empty; "
    "forecast the change from the train mean (residual drift).",
    Cause.OVERDISPERSED: "Overdispersed: the forecasts swing wider than they know; standardise the target, "
    "and rescale them by a slope fitted on earlier forecasts.",
    Cause.BIAS: "Bias: nearly all forecasts have one sign, and the train rows' drift does not explain it; "
    "start from the train mean (residual drift) and balance the sample weights.",
    Cause.DIVERGED: "Diverged: training left numbers that are not finite; lower the learning rate, clip the "
    "gradient and standardise the target.",
}


def text_of(cause: Cause) -> str:
    """Return the plain sentence that names a cause and what to do."""
    return _TEXT[cause]


def diagnose(health: Health, trainings: Sequence[Training]) -> Diagnosis:
    """Explain the test forecasts of a network by how its members were trained.

    Parameters
    ----------
    health : Health
        Of the stitched test forecasts.
    trainings : sequence of Training
        One a member (fold and seed). A fault counts where more than half of them show it.

    Raises
    ------
    DataError
        If there are no trainings.
    """
    if not trainings:
        raise DataError("diagnose: there are no trainings; give one for each member of the network")
    cause, reasons = _cause(health, trainings)
    return Diagnosis(cause, _TEXT[cause], (*reasons, *_numbers(health, trainings)))


def _cause(health: Health, trainings: Sequence[Training]) -> tuple[Cause, tuple[str, ...]]:
    codes = health.codes
    k = health.k or 0.0
    skilled = HealthCode.NO_SKILL not in codes
    fits = HealthCode.SHRUNK_OK in codes and _SLOPES[0] <= (health.beta or 0.0) <= _SLOPES[1]
    in_order = Cause.RIGHTLY_SMALL if k < _SMALL else Cause.HEALTHY
    if health.failed:
        return Cause.DIVERGED, (f"{health.meaning}.",)
    if k > _COPY_SIZE and (copies := _shared(_copy, trainings, len(trainings))):
        return Cause.COPIES_YESTERDAY, (copies,)
    if fits and skilled:
        return in_order, ()
    # Above one sigma the loss forbids any forecast, and what is left of one is the optimiser's noise.
    if forbidden := _shared(partial(_loss_scale, limit=1.0), trainings, len(trainings)):
        return Cause.LOSS_SCALE, (forbidden,)
    starved = [t for t in trainings if _starved(t, health)]
    for cause, sign in _SIGNS.items():
        if reason := _shared(sign, starved, len(trainings)):
            return cause, (reason,)
    if HealthCode.OVERDISPERSED in codes:
        return Cause.OVERDISPERSED, ()
    if health.code is HealthCode.COLLAPSED_SIGN:
        return Cause.BIAS, ()
    if not health.collapsed and (fits or skilled):
        return in_order, ()
    untrained = _shared(_untrained, trainings, len(trainings))
    return Cause.NO_SIGNAL, (untrained,) if untrained else ()


def _shared(sign: Callable[[Training], str | None], members: Sequence[Training], n: int) -> str | None:
    """Return what `sign` says of the first member it holds for, where it holds for more than half of `n`."""
    found = [text for t in members if (text := sign(t))]
    return f"{found[0]} ({len(found)} of {n} members)." if 2 * len(found) > n else None


def _starved(t: Training, health: Health) -> bool:
    """Whether the fit of the train rows is nil, or far smaller than its correlation allows."""
    if health.code is HealthCode.OVERDISPERSED:
        return False
    if t.k_train is None:
        return health.collapsed
    return t.k_train < _NIL or (t.rho_train or 0.0) > _SHRUNK * t.k_train


def _copy(t: Training) -> str | None:
    if t.copies_yesterday is None or abs(t.copies_yesterday) <= _COPY:
        return None
    return f"Forecast and last return have a correlation of {t.copies_yesterday:.2f}"


def _untrained(t: Training) -> str | None:
    return None if t.best_epoch else "The untrained start was best on the inner validation rows"


def _loss_scale(t: Training, limit: float = _SMALL) -> str | None:
    """Name the size below which a directional penalty makes 0 the best forecast: w/2 P(wrong), in sigma."""
    usual = _DIRECTION_WEIGHT.get(t.loss, 0.0)
    threshold = (usual if t.direction_weight is None else t.direction_weight) / 2 * _WRONG / _sigma(t)
    if threshold <= limit:
        return None
    return (
        f"{t.loss} on the {t.target_unit} target makes 0 the best forecast of a signal below "
        f"{threshold:.2f} sigma, where R^2 of 1% is a signal of {_SMALL:.2f} sigma"
    )


def _learning_rate(t: Training) -> str | None:
    """Name how far a weight can have moved: by about the rate a step, as Adam does, cut by the plateau."""
    first, final = t.learning_rate, max(t.final_learning_rate, 1e-6 * t.learning_rate)
    rate = (first - final) / math.log(first / final) if first > final else first
    reach = t.steps * rate / _sigma(t)
    unmoved = t.head_gradient_last >= _UNMOVED * t.head_gradient_first and t.best_epoch >= t.epochs
    if reach >= _REACH and not (unmoved and first < _SLOW_RATE):
        return None
    return (
        f"{t.steps} steps at rates from {first:.1e} to {final:.1e} move a weight by at most {reach:.1e} sigma"
    )


def _decay(t: Training) -> str | None:
    """Name the spread that an L2 penalty leaves to a linear head on free features: 1 - lambda / sigma."""
    kept = max(0.0, 1 - t.weight_decay / _sigma(t))
    if kept >= _KEPT:
        return None
    return (
        f"Weight decay {t.weight_decay:g} against a target of standard deviation {_sigma(t):.4g} leaves "
        f"about {100 * kept:.0f}% of the spread on train rows"
    )


def _dead_head(t: Training) -> str | None:
    if (t.k_train or 0.0) >= _NIL or t.head_gradient_last >= _DEAD * _sigma(t):
        return None
    return f"The gradient at the head is {t.head_gradient_last:.1e} in the last epoch"


def _diverged(t: Training) -> str | None:
    finite = math.isfinite(t.head_gradient_last)
    return None if finite else "The gradient at the head is not finite in the last epoch"


_SIGNS: dict[Cause, Callable[[Training], str | None]] = {  # of a starved member, in order of search
    Cause.DIVERGED: _diverged,
    Cause.LOSS_SCALE: _loss_scale,
    Cause.LEARNING_RATE: _learning_rate,
    Cause.DECAY: _decay,
    Cause.DEAD_HEAD: _dead_head,
}


def _numbers(health: Health, trainings: Sequence[Training]) -> tuple[str, ...]:
    k, rho, nrc1 = (
        _median([getattr(t, name) for t in trainings]) for name in ("k_train", "rho_train", "nrc1")
    )
    n = len(trainings)
    numbers = (
        f"Test rows: k {as_text(health.k, 'number')}, rho {as_text(health.rho, 'number')}, {health.n} rows.",
        f"Train rows: k {as_text(k, 'number')}, rho {as_text(rho, 'number')}, median of {n} members.",
    )
    if nrc1 is None or nrc1 >= _ON_A_LINE:
        return numbers
    return (*numbers, f"NRC1 {nrc1:.3f}: the features lie on a line, as one target lets expect; no fault.")


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _sigma(t: Training) -> float:
    """Return the target's standard deviation in the unit that the loss saw."""
    return 1.0 if t.target_unit == "standardised" else t.target_std
