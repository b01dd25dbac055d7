"""Losses against known values, finite differences, and the forecast that each one calls best."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from geiger.errors import SettingError
from geiger.models.nets.backend import jax, jnp
from geiger.models.nets.losses import (
    GMADL,
    LOSSES,
    AdjMSE1,
    AdjMSE2,
    AdjMSE3,
    AdjMSE4,
    ConsistentDirectional,
    DirectionalMSE,
    Huber,
    HuberDirectional,
    MeanSquaredError,
    PlanMix,
    ReturnLoss,
    make_loss,
)

Y = (0.02, -0.01, 0.015, -0.03, 0.0)
F = (0.01, 0.005, -0.002, -0.01, 0.001)


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def rows(loss: ReturnLoss, y: object, f: object) -> np.ndarray:
    return np.asarray(loss.call(jnp.asarray(y, "float64"), jnp.asarray(f, "float64")))


def gradient(loss: ReturnLoss, y: object, f: object) -> np.ndarray:
    """Return each row's derivative with respect to its own forecast."""
    y, f = jnp.asarray(y, "float64"), jnp.asarray(f, "float64")
    return np.asarray(jax.grad(lambda forecast: loss.call(y, forecast).sum())(f))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (DirectionalMSE(direction_weight=0.5), 0.0035030000000000005),
        (PlanMix(), 0.0040412),
        (GMADL(a=1000.0, b=2.0), -1.679895019163474e-05),
        (GMADL(a=1000.0, b=1.0), -0.0005984979844995841),
        (AdjMSE1(alpha=2.0), 0.0002557),
        (AdjMSE2(alpha=2.5), 0.0003571999999999999),
        (AdjMSE3(gamma=0.25), 0.00015355),
        (AdjMSE4(alpha=2.5, beta=90.0), 0.0002523991878084971),
    ],
    ids=lambda value: type(value).__name__,
)
def test_known_values(loss: ReturnLoss, expected: float) -> None:
    assert rows(loss, Y, F).mean() == pytest.approx(expected, abs=1e-9, rel=1e-9)


def test_the_consistent_loss_is_the_known_value_free_of_units() -> None:
    """The known value is the directional term alone, in squared returns."""
    directional = ConsistentDirectional(lam=1.0, sigma=0.012)
    assert rows(directional, Y, F).mean() * 0.012**2 == pytest.approx(7.956430649459802e-05, rel=1e-9)
    mixed = ConsistentDirectional(lam=0.6, sigma=0.012)
    by_hand = (
        0.6 * 7.956430649459802e-05 + 0.4 * 0.000203
    ) / 0.012**2  # squared errors 1, 2.25, 2.89, 4, .01
    assert rows(mixed, Y, F).mean() == pytest.approx(by_hand, rel=1e-9)


def test_known_gradient_of_the_plans_loss() -> None:
    expected = [-0.004, 0.10600000000000001, -0.1068, 0.007999999999999998, 0.1004]
    assert gradient(DirectionalMSE(), Y, F) / 5 == pytest.approx(expected, abs=1e-9)


def test_values_by_hand() -> None:
    assert rows(MeanSquaredError(), [1.0, -1.0], [0.5, 1.0]).tolist() == [0.25, 4.0]
    assert rows(Huber(delta=1.0), [0.5, 3.0, -3.0], [0.0, 0.0, 0.0]).tolist() == [0.125, 2.5, 2.5]
    # A flat day is wrong for every forecast but 0, and a forecast of 0 is wrong on every day but a flat one.
    assert rows(DirectionalMSE(), [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]).tolist() == [1.5, 1.5, 0.0]
    assert rows(AdjMSE1(), [1.0, 1.0, 1.0], [-1.0, 0.0, 2.0]).tolist() == [8.0, 0.5, 0.5]
    assert rows(GMADL(mse_share=0.25), [-2.0], [0.0]).tolist() == [1.0]
    # |y| ln 2 and (y - f)^2 at f = 0
    assert rows(ConsistentDirectional(), [2.0], [0.0])[0] == pytest.approx(1.2 * math.log(2) + 1.6)
    assert rows(HuberDirectional(), [2.0], [0.0])[0] == pytest.approx(
        1.2 * math.log(2) + 0.8 * 1.35 * (2 - 0.675)
    )


def test_huber_changes_only_large_errors_of_the_consistent_loss() -> None:
    y, f = [0.5, -1.0, 4.0, -4.0], [0.1, 0.2, 0.1, 0.1]
    robust, square = rows(HuberDirectional(), y, f), rows(ConsistentDirectional(), y, f)
    assert robust[:2] == pytest.approx(square[:2], rel=1e-12)
    assert (robust[2:] < square[2:]).all()
    assert rows(HuberDirectional(delta=100.0), y, f) == pytest.approx(square, rel=1e-12)


@pytest.mark.parametrize("sigma", [0.012, 3.0])
@pytest.mark.parametrize("kind", [ConsistentDirectional, HuberDirectional])
def test_sigma_takes_out_the_unit(kind: Callable[..., ReturnLoss], sigma: float) -> None:
    y, f = np.array([0.5, -1.0, 2.5]), np.array([0.1, 0.2, -0.3])
    assert rows(kind(sigma=sigma), sigma * y, sigma * f) == pytest.approx(rows(kind(), y, f), rel=1e-12)


# Pairs away from the kinks: neither f = 0, nor f = y, nor |y - f| = 1.35.
PAIRS = np.array(
    [(1.0, 0.3), (1.0, -0.3), (-0.5, 0.2), (-0.5, -0.9), (0.02, 0.05), (3.0, 0.1), (-3.0, 0.1), (0.0, 0.2)]
)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_agree_with_finite_differences(name: str) -> None:
    y, f = PAIRS.T
    loss, step = make_loss(name, {}), 1e-6
    slope = (rows(loss, y, f + step) - rows(loss, y, f - step)) / (2 * step)
    assert gradient(loss, y, f) == pytest.approx(slope, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_finite_where_it_is_hard(name: str) -> None:
    hard = gradient(
        make_loss(name, {}), [0.0, 0.0, 1.0, 1.0, 50.0, -50.0], [0.0, 1.0, 0.0, 1.0, -50.0, -50.0]
    )
    assert np.isfinite(hard).all()


@pytest.mark.parametrize("name", LOSSES)
def test_each_forecast_has_its_own_loss(name: str) -> None:
    y, f = PAIRS.T
    loss = make_loss(name, {})
    flat = rows(loss, y, f)
    assert flat.shape == (8,)
    assert rows(loss, y.reshape(2, 4), f.reshape(2, 4)).tolist() == flat.reshape(2, 4).tolist()
    assert rows(loss, y[3:4], f[3:4])[0] == pytest.approx(flat[3], rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_sample_weights_act_linearly(name: str) -> None:
    y, f = PAIRS.T
    loss = LOSSES[name](dtype="float64")
    weight = np.array([0.0, 1.0, 2.0, 0.5, 1.0, 3.0, 0.25, 1.0])
    weighted = np.mean(weight * rows(loss, y, f))
    assert float(loss(y, f, sample_weight=weight)) == pytest.approx(weighted, rel=1e-9)
    assert float(loss(y, f, sample_weight=2 * weight)) == pytest.approx(2 * weighted, rel=1e-9)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("of_y", "of_f"),
    [((4,), (4, 1)), ((4, 1), (4,)), ((4,), (5,)), ((2, 2), (2, 1)), ((), ()), ((2, 2, 1),) * 2],
)
def test_shapes_that_would_broadcast_are_refused(
    name: str, of_y: tuple[int, ...], of_f: tuple[int, ...]
) -> None:
    loss = make_loss(name, {})
    for call in (loss.call, loss):
        with pytest.raises(
            SettingError, match=r"outcomes \(.*\) against forecasts \(.*\); give both the same shape"
        ):
            call(np.ones(of_y), np.ones(of_f))


def test_single_precision_stays_single() -> None:
    with jax.enable_x64(False):
        for name in LOSSES:
            assert make_loss(name, {}).call(jnp.ones(3), -jnp.ones(3)).dtype == "float32"


GRID = np.round(np.arange(-0.05, 0.6, 0.0005), 4)


def best_forecast(loss: ReturnLoss, mean: float) -> float:
    """Return the forecast with the smallest expected loss where the outcome is N(mean, 1)."""
    z = np.linspace(-8.0, 8.0, 1001)
    density = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    y, f = np.broadcast_arrays(mean + z, GRID[:, None])
    return float(GRID[np.argmin(rows(loss, y, f) @ density)])


@pytest.mark.parametrize(
    ("mean", "best"),
    [
        (0.02, 0.0),
        (0.07, 0.0),
        (0.14, 0.028917501201476625),
        (0.3, 0.20447785554723813),
        (0.5, 0.4228656153185033),
    ],
)
def test_the_plans_loss_shrinks_and_kills_weak_signals(mean: float, best: float) -> None:
    assert best_forecast(DirectionalMSE(direction_weight=0.5), mean) == pytest.approx(best, abs=0.004)


def test_the_plans_mix_kills_what_lies_below_its_threshold() -> None:
    assert best_forecast(PlanMix(), 0.27) == pytest.approx(0.0, abs=0.001)
    assert best_forecast(PlanMix(), 0.31) > 0.01


@pytest.mark.parametrize(("mean", "best"), [(0.02, 0.0199), (0.07, 0.0695), (0.14, 0.139), (0.3, 0.298)])
def test_the_consistent_loss_forecasts_the_mean(mean: float, best: float) -> None:
    # By exact integration it is .0200, .0700, .1400, .3003; the published values lie within 1% of that.
    assert best_forecast(ConsistentDirectional(), mean) == pytest.approx(best, rel=0.01)
    for loss in (ConsistentDirectional(), HuberDirectional()):
        assert best_forecast(loss, mean) == pytest.approx(mean, abs=0.0006)


@pytest.mark.parametrize(("mean", "best"), [(0.02, 0.054), (0.07, 0.089), (0.14, 0.146), (0.3, 0.301)])
def test_gmadl_as_listed_keeps_the_size_of_a_forecast(mean: float, best: float) -> None:
    assert best_forecast(make_loss("gmadl", {}), mean) == pytest.approx(best, abs=0.0011)


def test_gmadl_alone_never_has_enough() -> None:
    assert best_forecast(GMADL(), 0.07) == GRID[-1]


@pytest.mark.parametrize("name", ["adjmse1", "adjmse2", "adjmse3"])
def test_adjusted_squares_prefer_no_forecast_to_a_weak_one(name: str) -> None:
    assert best_forecast(make_loss(name, {}), 0.14) == 0.0


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_made_again_from_its_configuration(name: str) -> None:
    loss = make_loss(name, {})
    again = type(loss).from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert again.name == name
    assert rows(again, *PAIRS.T).tolist() == rows(loss, *PAIRS.T).tolist()


def test_settings_reach_the_loss() -> None:
    changed = make_loss("gmadl", {"a": 5.0, "mse_share": 0.0}).get_config()
    assert (changed["a"], changed["b"], changed["mse_share"]) == (5.0, 1.0, 0.0)
    assert make_loss("gmadl", {}).get_config()["mse_share"] == 0.1
    assert make_loss("huber", {"delta": 2}).get_config()["delta"] == 2


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("hubber", {}, "unknown loss 'hubber': did you mean 'huber'"),
        ("huber", {"dleta": 1.0}, "loss huber has no setting 'dleta': did you mean 'delta'"),
        ("huber", {"name": 1.0}, "loss huber has no setting 'name'"),
        ("mse", {"delta": 1.0}, "loss mse has no setting 'delta': it has none"),
        ("huber", {"delta": "1"}, "delta must be a number, got '1'"),
        ("huber", {"delta": 0.0}, "delta must be a number above 0, got 0.0"),
        ("huber", {"delta": math.nan}, "delta must be a number above 0, got nan"),
        ("consistent", {"sigma": -1.0}, "sigma must be a number above 0"),
        ("consistent", {"lam": 1.01}, "lam must lie between 0 and 1, got 1.01"),
        ("plan_mix", {"direction_share": -0.01}, "direction_share must lie between 0 and 1"),
        (
            "directional_mse",
            {"direction_weight": -0.5},
            "direction_weight must be 0 or a number above, got -0.5",
        ),
    ],
)
def test_what_cannot_be_is_refused(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make_loss(name, settings)
