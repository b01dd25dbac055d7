"""What a network is trained to make small: one value per forecast, and never their mean.

Outcomes and forecasts are returns in units of the train sigma, not centred: their sign is the sign of the
return itself. Both have shape (n,) or (B, L). The mean is left to whoever sums up, so that sample weights,
rows that do not count and members trained side by side keep their meaning.
"""

from __future__ import annotations

import functools
import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from geiger.errors import SettingError, did_you_mean
from geiger.models.nets.backend import keras, ops


class ReturnLoss(keras.losses.Loss, ABC):
    """A loss per forecast; settings are keyword-only and kept under their own names."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the losses, in the shape of both arguments.

        Raises
        ------
        SettingError
            If the shapes differ: (B,) against (B, 1) would silently become (B, B).
        """
        y, f = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if tuple(y.shape) != tuple(f.shape) or len(y.shape) not in (1, 2):
            raise SettingError(
                f"loss {self.name}: outcomes {tuple(y.shape)} against forecasts {tuple(f.shape)}; "
                "give both the same shape, (n,) or (B, L)"
            )
        return self.rows(y, f)

    @abstractmethod
    def rows(self, y: Any, f: Any) -> Any:
        """Return the loss of forecasts `f` given outcomes `y`, element by element."""

    def get_config(self) -> dict[str, Any]:
        """Return what `from_config` needs to make this loss again."""
        return {**super().get_config(), **{name: getattr(self, name) for name in _settings_of(type(self))}}


class MeanSquaredError(ReturnLoss):
    """(y - f)^2."""

    def rows(self, y: Any, f: Any) -> Any:
        """Return the squared errors."""
        return ops.square(y - f)


class Huber(ReturnLoss):
    """e^2 / 2 up to |e| = delta, then delta (|e| - delta / 2): one wild day cannot lead the fit.

    Huber (1964); at 1.35 sigma it costs 5% of efficiency where errors are Gaussian.
    """

    def __init__(self, *, delta: float = 1.35, **base: Any) -> None:
        super().__init__(**base)
        self.delta = _above_zero("delta", delta)

    def rows(self, y: Any, f: Any) -> Any:
        """Return Huber's losses."""
        return _huber(y - f, self.delta)


class DirectionalMSE(ReturnLoss):
    """The plan's loss: (y - f)^2 + direction_weight |y - f| where the signs of y and f differ.

    An ablation, not a default. The second term pulls every forecast towards 0 as long as it may be wrong: the
    best forecast of N(mu, 1) is 0 for |mu| < 0.11 at weight 0.5, where mu itself would be right.
    """

    def __init__(self, *, direction_weight: float = 0.5, **base: Any) -> None:
        super().__init__(**base)
        self.direction_weight = _not_below_zero("direction_weight", direction_weight)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the plan's losses."""
        return ops.square(y - f) + self.direction_weight * _wrong_side(y, f)


class PlanMix(ReturnLoss):
    """The plan's 0.6 DirectionalLoss + 0.4 MSE, where DirectionalLoss is |y - f| where the signs differ.

    Up to a factor this is `DirectionalMSE` at weight 1.5: it forecasts 0 for |mu| < 0.29. An ablation, too.
    """

    def __init__(self, *, direction_share: float = 0.6, **base: Any) -> None:
        super().__init__(**base)
        self.direction_share = _share("direction_share", direction_share)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the mixed losses."""
        return _mix(self.direction_share, _wrong_side(y, f), ops.square(y - f))


class ConsistentDirectional(ReturnLoss):
    """lam |y| softplus(-kappa sign(y) f) + (1 - lam) (y - f)^2: directional, and right about the size.

    Missing the side of a large move costs most. Smooth; the best forecast has the sign of E[y];
    with kappa = sqrt(2 pi) it is E[y] itself, within 1% up to half a sigma.

    Parameters
    ----------
    lam : float
        Share of the directional term.
    sigma : float
        Standard deviation of the returns; 1 where they are in units of it. Both terms are divided by it, so
        that `lam` means the same in any unit.
    kappa : float
        Steepness.
    """

    def __init__(
        self, *, lam: float = 0.6, sigma: float = 1.0, kappa: float = math.sqrt(2 * math.pi), **base: Any
    ) -> None:
        super().__init__(**base)
        self.lam = _share("lam", lam)
        self.sigma = _above_zero("sigma", sigma)
        self.kappa = _above_zero("kappa", kappa)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the mixed losses, free of units."""
        y, f = y / self.sigma, f / self.sigma
        return _mix(self.lam, _soft_side(y, f, self.kappa), ops.square(y - f))


class HuberDirectional(ReturnLoss):
    """`ConsistentDirectional` with twice Huber's loss, which is the square up to `delta` sigma."""

    def __init__(
        self,
        *,
        lam: float = 0.6,
        sigma: float = 1.0,
        kappa: float = math.sqrt(2 * math.pi),
        delta: float = 1.35,
        **base: Any,
    ) -> None:
        super().__init__(**base)
        self.lam = _share("lam", lam)
        self.sigma = _above_zero("sigma", sigma)
        self.kappa = _above_zero("kappa", kappa)
        self.delta = _above_zero("delta", delta)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the mixed losses, free of units."""
        y, f = y / self.sigma, f / self.sigma
        return _mix(self.lam, _soft_side(y, f, self.kappa), 2 * _huber(y - f, self.delta))


class GMADL(ReturnLoss):
    """-(sigmoid(a y f) - 1/2) |y|^b, mixed with (y - f)^2. Stefaniuk & Slepaczuk (2024).

    Parameters
    ----------
    a : float
        Steepness per sigma^2: the published 1000 on raw returns of sigma 0.012 is 0.14 here. That low, the
        loss rewards E[y |y|^b], a skewed moment, and f grows without end. At 100 it is flat from |y f| = .05
        on, an honest forecast on an ordinary day, and rewards the return earned by the sign.
    b : float
        Power of the return. The published 2 weighs days by a third moment; 1 by what they earn.
    mse_share : float
        Share of the squared error. At 0 the size of f means nothing. At 0.1, with the default `a`, the best
        forecasts of N(mu, 1) are .054, .089, .146 and .301 for mu of .02, .07, .14 and .30.
    """

    def __init__(self, *, a: float = 100.0, b: float = 1.0, mse_share: float = 0.0, **base: Any) -> None:
        super().__init__(**base)
        self.a = _above_zero("a", a)
        self.b = _not_below_zero("b", b)
        self.mse_share = _share("mse_share", mse_share)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the negative soft gains, mixed with squared errors."""
        gain = (ops.sigmoid(self.a * y * f) - 0.5) * ops.abs(y) ** self.b
        return _mix(self.mse_share, ops.square(y - f), -gain)


class AdjMSE1(ReturnLoss):
    """alpha e^2 where the signs are opposite, e^2 / alpha elsewhere. Dessain (2023).

    In this and in the next two a forecast of exactly 0 is never on the wrong side, so for weak signals 0 is
    their best forecast.
    """

    def __init__(self, *, alpha: float = 2.0, **base: Any) -> None:
        super().__init__(**base)
        self.alpha = _above_zero("alpha", alpha)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the adjusted squared errors."""
        return _by_side(y, f, self.alpha, 1 / self.alpha)


class AdjMSE2(ReturnLoss):
    """alpha e^2 where the signs are opposite, e^2 elsewhere. Dessain (2023)."""

    def __init__(self, *, alpha: float = 2.5, **base: Any) -> None:
        super().__init__(**base)
        self.alpha = _above_zero("alpha", alpha)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the adjusted squared errors."""
        return _by_side(y, f, self.alpha, 1.0)


class AdjMSE3(ReturnLoss):
    """(1 + gamma) e^2 where the signs are opposite, gamma e^2 elsewhere. Dessain (2023)."""

    def __init__(self, *, gamma: float = 0.25, **base: Any) -> None:
        super().__init__(**base)
        self.gamma = _above_zero("gamma", gamma)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the adjusted squared errors."""
        return _by_side(y, f, 1 + self.gamma, self.gamma)


class AdjMSE4(ReturnLoss):
    """alpha e^2 / (1 + exp(beta y f)): the smooth one. Dessain (2023).

    `beta` is per sigma^2, and at 90 nearly a switch: errors on the right side cost next to nothing. On raw
    returns the same number is so flat that this is plain alpha / 2 times the squared error.
    """

    def __init__(self, *, alpha: float = 2.5, beta: float = 90.0, **base: Any) -> None:
        super().__init__(**base)
        self.alpha = _above_zero("alpha", alpha)
        self.beta = _above_zero("beta", beta)

    def rows(self, y: Any, f: Any) -> Any:
        """Return the adjusted squared errors."""
        return self.alpha * ops.square(y - f) * ops.sigmoid(-self.beta * y * f)


LOSSES: dict[str, Callable[..., keras.losses.Loss]] = {
    "mse": MeanSquaredError,
    "huber": Huber,
    "consistent": ConsistentDirectional,
    "huber_directional": HuberDirectional,
    "gmadl": functools.partial(GMADL, mse_share=0.1),  # alone it leaves the size of the forecasts open
    "adjmse1": AdjMSE1,
    "adjmse2": AdjMSE2,
    "adjmse3": AdjMSE3,
    "adjmse4": AdjMSE4,
    "directional_mse": DirectionalMSE,
    "plan_mix": PlanMix,
}


def make_loss(name: str, settings: Mapping[str, object]) -> keras.losses.Loss:
    """Return the loss `name` with these settings; what is not given keeps its default.

    Raises
    ------
    SettingError
        If the loss or one of the settings is unknown, no number, or out of its range.
    """
    if name not in LOSSES:
        raise SettingError(f"unknown loss {name!r}: {did_you_mean(name, LOSSES)}")
    known = _settings_of(LOSSES[name])
    for setting, value in settings.items():
        if setting not in known:
            hint = did_you_mean(setting, known) if known else "it has none"
            raise SettingError(f"loss {name} has no setting {setting!r}: {hint}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SettingError(f"loss {name}: {setting} must be a number, got {value!r}")
    return LOSSES[name](name=name, **settings)


def _settings_of(constructor: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(constructor).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def _wrong_side(y: Any, f: Any) -> Any:
    """Return |y - f| where the signs differ and 0 elsewhere; a zero differs from everything but a zero."""
    return ops.where(ops.sign(y) != ops.sign(f), ops.abs(y - f), 0.0)


def _by_side(y: Any, f: Any, opposite: float, same: float) -> Any:
    """Return the squared errors, weighted by whether the signs are opposite; 0 is opposite to nothing."""
    square = ops.square(y - f)
    return ops.where(y * f < 0, opposite * square, same * square)


def _soft_side(y: Any, f: Any, kappa: float) -> Any:
    return ops.abs(y) * ops.softplus(-kappa * ops.sign(y) * f)


def _huber(error: Any, delta: float) -> Any:
    size = ops.abs(error)
    return ops.where(size <= delta, ops.square(error) / 2, delta * (size - delta / 2))


def _mix(share: float, one: Any, other: Any) -> Any:
    return share * one + (1 - share) * other


def _above_zero(name: str, value: float) -> float:
    if not 0.0 < value < math.inf:
        raise SettingError(f"loss: {name} must be a number above 0, got {value}")
    return value


def _not_below_zero(name: str, value: float) -> float:
    if not 0.0 <= value < math.inf:
        raise SettingError(f"loss: {name} must be 0 or a number above, got {value}")
    return value


def _share(name: str, value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise SettingError(f"loss: {name} must lie between 0 and 1, got {value}")
    return value
