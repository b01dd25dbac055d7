"""The plan's own yardsticks: five checkpoints, the ladder with its bands, and the alarms of a leak.

They are a scorecard, not evidence: each gate is passed by chance at its own rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from geiger.records import Better, Checkpoint, HealthCode, Notice, Outcome, Rung, Unit, as_text

_UNMEASURED = "not measured"


def checkpoints(
    *,
    completed: bool,
    nonfinite: int = 0,
    pred_std: float | None = None,
    share_above_mean: float | None = None,
    positive_share: float | None = None,
    wfe: float | None = None,
    wfe_reason: str | None = None,
    beat: float | None = None,
    health: HealthCode | None = None,
    cost_bps: float | None = None,
    break_even_bps: float | None = None,
) -> tuple[Checkpoint, ...]:
    """Return the plan's five checkpoints; one whose input is None is not applicable.

    Parameters
    ----------
    completed : bool
        Whether training came to its end.
    nonfinite : int
        Losses and forecasts that are NaN or infinite.
    pred_std : float or None
        k = std(forecast) / std(outcome), out of sample.
    share_above_mean, positive_share : float or None
        Share of forecasts above the train mean (tested) and above 0 (shown beside it).
    wfe : float or None
        Walk-forward efficiency.
    wfe_reason : str or None
        Why `wfe` is undefined. Undefined is a fail; None without a reason means it was not measured.
    beat : float or None
        Annual net growth above buy-and-hold: 0.05 is 5 points a year.
    health : HealthCode or None
        Of the same forecasts; sharpens what to do.
    cost_bps, break_even_bps : float or None
        Cost charged for a unit of turnover, and the cost at which the gross result is gone.
    """
    return (
        _completes(completed, nonfinite, health),
        _variance(pred_std, health),
        _balance(share_above_mean, positive_share, health),
        _walk_forward(wfe, wfe_reason),
        _beats(beat, cost_bps, break_even_bps),
    )


def _completes(completed: bool, nonfinite: int, health: HealthCode | None) -> Checkpoint:
    name, action = "Training completes", "Check loss function, LR"
    if not completed:
        hint = "the run stopped before its end; the warnings say where"
        return _failed(1, name, "did not finish", f"{action}: {hint}")
    if nonfinite or health is HealthCode.NONFINITE:
        found = (
            f"{nonfinite} values are NaN or infinite" if nonfinite else "some forecasts are NaN or infinite"
        )
        hint = "standardise the target, lower the learning rate, clip the gradient"
        return _failed(1, name, found, f"{action}: {hint}")
    return Checkpoint(1, name, Outcome.PASS, "finished, no NaN")


def _variance(pred_std: float | None, health: HealthCode | None) -> Checkpoint:
    name, action = "Variance maintained", "Check residual connection"
    if pred_std is None or not math.isfinite(pred_std):
        return _unmeasured(2, name, health, action)
    found = f"pred_std {as_text(pred_std, 'number')} of the outcome's, wanted above 0.01"
    if pred_std > 0.01:
        wide = health is HealthCode.OVERDISPERSED
        note = "; wider than its correlation supports" if wide else ""
        return Checkpoint(2, name, Outcome.PASS, found + note)
    if health is HealthCode.COLLAPSED_CONSTANT:
        hint = "the forecasts are constant; standardise the target, weaken the penalty, train longer"
    else:
        hint = "the forecasts vary, but hardly; a weaker penalty or more rounds may widen them"
    return _failed(2, name, found, f"{action}: {hint}")


def _balance(above: float | None, positive: float | None, health: HealthCode | None) -> Checkpoint:
    name, action = "Balanced predictions", "Check sample weights"
    if above is None:
        return _unmeasured(3, name, health, action)
    found = (
        f"{as_text(above, 'share')} above the training mean, wanted 35-65%; "
        f"{as_text(positive, 'share')} above zero"
    )
    if 0.35 <= above <= 0.65:
        return Checkpoint(3, name, Outcome.PASS, found)
    if health is HealthCode.COLLAPSED_CONSTANT:
        hint = "the forecasts are constant; mend checkpoint 2 first"
    else:
        side = "above" if above > 0.65 else "below"
        hint = f"the forecasts lean to {side} their training mean; weigh the signs equally, look for a bias"
    return _failed(3, name, found, f"{action}: {hint}")


def _walk_forward(wfe: float | None, reason: str | None) -> Checkpoint:
    name, action = "WFE > 50%", "Check for overfitting"
    if wfe is None or not math.isfinite(wfe):
        if reason is None:
            return _not_applicable(4, name)
        hint = "without a gain on its own training rows the model has learned too little, not too much"
        return _failed(4, name, f"undefined: {reason}", f"{action}: {hint}")
    found = f"WFE {as_text(wfe, 'share')}, wanted above 50%"
    if wfe > 0.5:
        return Checkpoint(4, name, Outcome.PASS, found)
    lost = (
        "it gains on training rows and loses on test rows"
        if wfe < 0
        else "most of the gain stays in training"
    )
    hint = f"{lost}; fewer or smaller trees, a smaller network, earlier stopping"
    return _failed(4, name, found, f"{action}: {hint}")


def _beats(beat: float | None, cost_bps: float | None, break_even_bps: float | None) -> Checkpoint:
    name, action = "Backtest positive", "Check transaction costs"
    if beat is None or not math.isfinite(beat):
        return _not_applicable(5, name)
    found = f"{as_text(beat, 'points')} a year against buy and hold"
    if beat > 0:
        return Checkpoint(5, name, Outcome.PASS, found)
    return _failed(5, name, found, f"{action}: {_cost_hint(cost_bps, break_even_bps)}")


def _cost_hint(cost_bps: float | None, break_even_bps: float | None) -> str:
    if cost_bps is None or break_even_bps is None:
        return "compare the cost with the break-even cost and the exposure with buy and hold"
    cost, even = as_text(cost_bps, "bp"), as_text(break_even_bps, "bp")
    if break_even_bps <= 0:
        return f"costs are not the cause; the trades lose before any cost (break-even {even})"
    if break_even_bps < cost_bps:
        return f"{cost} is more than the trades can bear (break-even {even}); trade less often"
    return f"costs are covered ({cost}, break-even {even}); the rest is exposure given up"


def _unmeasured(number: int, name: str, health: HealthCode | None, action: str) -> Checkpoint:
    if health is HealthCode.NONFINITE:
        return _failed(
            number, name, "undefined: forecasts are not finite", f"{action}: mend checkpoint 1 first"
        )
    return _not_applicable(number, name)


def _not_applicable(number: int, name: str) -> Checkpoint:
    return Checkpoint(number, name, Outcome.NOT_APPLICABLE, _UNMEASURED)


def _failed(number: int, name: str, found: str, action: str) -> Checkpoint:
    return Checkpoint(number, name, Outcome.FAIL, found, action)


# name: unit, (minimum, target, stretch), where the bands realistic, good, excellent begin
_LADDER: dict[str, tuple[Unit, tuple[float, float, float], tuple[float, float, float] | None]] = {
    "Sharpe Ratio": ("ratio", (0.6, 1.0, 1.5), (0.6, 0.8, 1.2)),
    "Direction Accuracy": ("share", (0.52, 0.55, 0.60), (0.52, 0.55, 0.60)),
    "Beat Buy & Hold": ("points", (0.05, 0.15, 0.25), (0.05, 0.10, 0.20)),
    "Max Drawdown": ("share", (0.35, 0.25, 0.15), None),
    "WFE": ("share", (0.5, 0.6, 0.7), None),
}


def ladder(
    *,
    sharpe: float | None,
    direction_accuracy: float | None,
    beat: float | None,
    max_drawdown: float | None,
    wfe: float | None,
) -> tuple[Rung, ...]:
    """Return how far each success metric of the plan got: minimum, target or stretch, and its band.

    Rungs are strict (a Sharpe ratio of exactly 0.6 reaches none), a band holds its lower end. Shares and
    points are fractions: 0.55 is 55%, a `beat` of 0.05 is 5 points a year. An undefined value reaches
    nothing and has no band.

    >>> [rung.reached for rung in ladder(sharpe=1.2, direction_accuracy=0.53, beat=None,
    ...                                  max_drawdown=0.20, wfe=0.4)]
    ['target', 'minimum', 'none', 'target', 'none']
    """
    values = (sharpe, direction_accuracy, beat, max_drawdown, wfe)
    return tuple(_rung(name, value) for name, value in zip(_LADDER, values, strict=True))


def _rung(name: str, value: float | None) -> Rung:
    unit, steps, bands = _LADDER[name]
    known = value if value is not None and math.isfinite(value) else None
    better: Better = "lower" if steps[0] > steps[-1] else "higher"
    return Rung(name, known, unit, *steps, reached=_reached(known, steps, better), band=_band(known, bands))


def _reached(
    value: float | None, steps: tuple[float, float, float], better: Better
) -> Literal["none", "minimum", "target", "stretch"]:
    if value is None:
        return "none"
    passed = sum(value < step if better == "lower" else value > step for step in steps)
    names: tuple[Literal["none", "minimum", "target", "stretch"], ...]
    names = ("none", "minimum", "target", "stretch")
    return names[passed]


def _band(
    value: float | None, begins: tuple[float, float, float] | None
) -> Literal["below", "realistic", "good", "excellent", "no band"]:
    if value is None or begins is None:
        return "no band"
    names: tuple[Literal["below", "realistic", "good", "excellent"], ...]
    names = ("below", "realistic", "good", "excellent")
    return names[sum(value >= begin for begin in begins)]


@dataclass(frozen=True)
class Measured:
    """A figure and its standard error."""

    value: float
    error: float


R2_LIMIT = 0.03  # no daily forecast explains more
ALARM_ERRORS = 1.645  # so many standard errors beyond its limit a figure must lie: one-sided 5%
SHARPE_LIMIT = 3.0
IC_FALLS = 2016  # the first year in which no more than half of what was seen before is believed
DAYS_A_YEAR = 252


def alarms(
    *,
    da_minus_base: Measured | None = None,
    sharpe: Measured | None = None,
    r2: Measured | None = None,
    ic_then: Measured | None = None,
    ic_now: Measured | None = None,
) -> tuple[Notice, ...]:
    """Return one ``LEAK_SUSPECT`` for each out-of-sample figure that is too good for daily returns.

    A figure rings where it lies above its limit by 1.645 of its standard errors: in a few weeks chance alone
    brings a Sharpe ratio above 3.

    Parameters
    ----------
    da_minus_base : Measured or None
        Daily direction accuracy less the base rate: 0.06 is 6 points.
    sharpe : Measured or None
        Annual, net of costs.
    r2 : Measured or None
        Out-of-sample R^2 against the train mean.
    ic_then, ic_now : Measured or None
        Daily rank correlation of scores and outcomes over the symbols of a panel, through 2015 and after.
    """
    figures: tuple[tuple[str, Measured | None, Unit, float], ...] = (
        ("direction accuracy above the base rate", da_minus_base, "points", 0.06),
        ("net Sharpe ratio", sharpe, "ratio", SHARPE_LIMIT),
        ("out-of-sample R^2", r2, "return", R2_LIMIT),
        (f"daily rank correlation through {IC_FALLS - 1}", ic_then, "return", 0.10),
        (f"daily rank correlation from {IC_FALLS} on", ic_now, "return", 0.05),
    )
    found = []
    for name, one, unit, limit in figures:
        if one is not None and (least := one.value - ALARM_ERRORS * one.error) > limit:
            text = (
                f"{name} {as_text(one.value, unit)}, less {ALARM_ERRORS} standard errors "
                f"{as_text(least, unit)}, is above {as_text(limit, unit)}, more than daily returns allow: "
                "look for a future value in the inputs before believing it"
            )
            found.append(Notice("LEAK_SUSPECT", text))
    return tuple(found)


def days_to_alarm(sharpe: float) -> int | None:
    """Return from how many days on an annual Sharpe ratio of normal returns rings; None up to the limit.

    >>> days_to_alarm(4.0), days_to_alarm(8.0), days_to_alarm(3.0)
    (705, 32, None)
    """
    if sharpe <= SHARPE_LIMIT:
        return None
    from geiger.metrics import sharpe_variance  # brings NumPy, which reading logs from the index does without

    variance = DAYS_A_YEAR * sharpe_variance(sharpe / math.sqrt(DAYS_A_YEAR))
    return 1 + math.ceil(variance * (ALARM_ERRORS / (sharpe - SHARPE_LIMIT)) ** 2)
