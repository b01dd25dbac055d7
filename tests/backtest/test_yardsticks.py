"""The plan's checkpoints, ladder, bands and alarms at their borders."""

from __future__ import annotations

import math

import pytest

from geiger.backtest.yardsticks import Measured, alarms, checkpoints, days_to_alarm, ladder
from geiger.evidence.sharpe import min_track_record
from geiger.records import Checkpoint, HealthCode, Outcome, Rung

GOOD = {
    "completed": True,
    "pred_std": 0.08,
    "share_above_mean": 0.51,
    "positive_share": 0.62,
    "wfe": 0.6,
    "beat": 0.03,
    "health": HealthCode.SHRUNK_OK,
}


def check(number: int, **changes: object) -> Checkpoint:
    return checkpoints(**{**GOOD, **changes})[number - 1]  # type: ignore[arg-type]


def test_all_five_pass_in_order_and_without_advice() -> None:
    found = checkpoints(**GOOD)  # type: ignore[arg-type]
    assert [c.number for c in found] == [1, 2, 3, 4, 5]
    assert [c.name for c in found] == [
        "Training completes",
        "Variance maintained",
        "Balanced predictions",
        "WFE > 50%",
        "Backtest positive",
    ]
    assert {c.outcome for c in found} == {Outcome.PASS}
    assert {c.action for c in found} == {None}


@pytest.mark.parametrize(
    ("number", "changes", "action"),
    [
        (1, {"completed": False}, "Check loss function, LR"),
        (1, {"nonfinite": 3}, "Check loss function, LR"),
        (1, {"health": HealthCode.NONFINITE}, "Check loss function, LR"),
        (2, {"pred_std": 0.01}, "Check residual connection"),
        (2, {"pred_std": 0.0, "health": HealthCode.COLLAPSED_CONSTANT}, "Check residual connection"),
        (2, {"pred_std": None, "health": HealthCode.NONFINITE}, "Check residual connection"),
        (3, {"share_above_mean": 0.349}, "Check sample weights"),
        (3, {"share_above_mean": 0.651}, "Check sample weights"),
        (3, {"share_above_mean": 1.0, "health": HealthCode.COLLAPSED_CONSTANT}, "Check sample weights"),
        (3, {"share_above_mean": None, "health": HealthCode.NONFINITE}, "Check sample weights"),
        (4, {"wfe": 0.5}, "Check for overfitting"),
        (4, {"wfe": -0.3}, "Check for overfitting"),
        (4, {"wfe": None, "wfe_reason": "in-sample return -0.40% a year"}, "Check for overfitting"),
        (5, {"beat": 0.0}, "Check transaction costs"),
        (5, {"beat": -0.02}, "Check transaction costs"),
    ],
)
def test_a_failure_says_what_the_plan_says_and_more(
    number: int, changes: dict[str, object], action: str
) -> None:
    found = check(number, **changes)
    assert found.outcome is Outcome.FAIL
    assert found.action is not None
    assert found.action.startswith(f"{action}: ")
    assert len(found.action) > len(action) + 20


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (2, {"pred_std": 0.0101}),
        (3, {"share_above_mean": 0.35}),
        (3, {"share_above_mean": 0.65}),
        (3, {"positive_share": 0.94}),  # the raw share is shown, not tested
        (4, {"wfe": 0.501}),
        (5, {"beat": 0.0001}),
    ],
)
def test_borders_that_pass(number: int, changes: dict[str, object]) -> None:
    assert check(number, **changes).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("number", "changes"),
    [(2, {"pred_std": None}), (3, {"share_above_mean": None}), (4, {"wfe": None}), (5, {"beat": None})],
)
def test_what_was_not_measured_does_not_apply(number: int, changes: dict[str, object]) -> None:
    assert check(number, **changes).outcome is Outcome.NOT_APPLICABLE


def test_both_shares_are_shown() -> None:
    assert (
        check(3, positive_share=0.94).found
        == "51.0% above the training mean, wanted 35-65%; 94.0% above zero"
    )


def test_an_undefined_wfe_is_said_as_such() -> None:
    found = check(4, wfe=None, wfe_reason="the in-sample return is not positive")
    assert found.found == "undefined: the in-sample return is not positive"


def test_a_wide_forecast_passes_the_variance_and_is_named() -> None:
    found = check(2, pred_std=1.02, health=HealthCode.OVERDISPERSED)
    assert found.outcome is Outcome.PASS
    assert "wider than its correlation supports" in found.found


@pytest.mark.parametrize(
    ("even", "words"),
    [
        (2.1, "trade less often"),
        (-1.0, "before any cost"),
        (9.0, "costs are covered"),
        (None, "compare the cost"),
    ],
)
def test_the_cost_advice_follows_the_break_even_cost(even: float | None, words: str) -> None:
    action = check(5, beat=-0.01, cost_bps=5.0, break_even_bps=even).action
    assert action is not None
    assert words in action


def rungs(**values: float | None) -> dict[str, Rung]:
    empty = dict.fromkeys(("sharpe", "direction_accuracy", "beat", "max_drawdown", "wfe"))
    return {rung.name: rung for rung in ladder(**{**empty, **values})}


@pytest.mark.parametrize(
    ("name", "key", "borders"),
    [
        ("Sharpe Ratio", "sharpe", (0.6, 1.0, 1.5)),
        ("Direction Accuracy", "direction_accuracy", (0.52, 0.55, 0.60)),
        ("Beat Buy & Hold", "beat", (0.05, 0.15, 0.25)),
        ("Max Drawdown", "max_drawdown", (0.35, 0.25, 0.15)),
        ("WFE", "wfe", (0.5, 0.6, 0.7)),
    ],
)
def test_each_rung_begins_beyond_its_border(name: str, key: str, borders: tuple[float, ...]) -> None:
    beyond = -1e-9 if name == "Max Drawdown" else 1e-9
    at = [rungs(**{key: border})[name].reached for border in borders]
    past = [rungs(**{key: border + beyond})[name].reached for border in borders]
    assert at == ["none", "minimum", "target"]
    assert past == ["minimum", "target", "stretch"]
    rung = rungs()[name]
    assert (rung.minimum, rung.target, rung.stretch) == borders


@pytest.mark.parametrize(
    ("name", "key", "values"),
    [
        ("Sharpe Ratio", "sharpe", (0.59, 0.6, 0.79, 0.8, 1.19, 1.2, 4.0)),
        ("Direction Accuracy", "direction_accuracy", (0.519, 0.52, 0.549, 0.55, 0.599, 0.60, 0.73)),
        ("Beat Buy & Hold", "beat", (0.049, 0.05, 0.099, 0.10, 0.199, 0.20, 0.9)),
    ],
)
def test_bands_hold_their_lower_end(name: str, key: str, values: tuple[float, ...]) -> None:
    found = [rungs(**{key: value})[name].band for value in values]
    assert found == ["below", "realistic", "realistic", "good", "good", "excellent", "excellent"]


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_an_undefined_value_reaches_nothing(value: float | None) -> None:
    for rung in rungs(sharpe=value, max_drawdown=value).values():
        assert (rung.value, rung.reached, rung.band) == (None, "none", "no band")


def test_drawdown_and_wfe_have_no_band() -> None:
    assert rungs(max_drawdown=0.1, wfe=0.9)["Max Drawdown"].band == "no band"
    assert rungs(max_drawdown=0.1, wfe=0.9)["WFE"].band == "no band"


def test_alarms_ring_above_their_limits_only() -> None:
    sure = {"da_minus_base": Measured(0.06, 0.0), "sharpe": Measured(3.0, 0.0), "r2": Measured(0.03, 0.0)}
    assert alarms(**sure) == ()
    assert alarms(da_minus_base=None, sharpe=None, r2=None) == ()
    rung = alarms(da_minus_base=Measured(0.061, 0.0), sharpe=Measured(3.1, 0.0), r2=Measured(0.031, 0.0))
    assert [notice.code for notice in rung] == ["LEAK_SUSPECT"] * 3
    assert "+6.1 pp" in rung[0].text
    assert "3.10" in rung[1].text
    assert "3.10%" in rung[2].text


@pytest.mark.parametrize(
    ("name", "limit"),
    [("da_minus_base", 0.06), ("sharpe", 3.0), ("r2", 0.03), ("ic_then", 0.10), ("ic_now", 0.05)],
)
def test_an_alarm_needs_its_limit_to_be_1645_errors_away(name: str, limit: float) -> None:
    quiet: dict[str, Measured | None] = {"da_minus_base": None, "sharpe": None, "r2": None}
    for error in (0.01, 2.0):
        below, above = limit + 1.64 * error, limit + 1.65 * error
        assert alarms(**{**quiet, name: Measured(below, error)}) == ()
        assert len(alarms(**{**quiet, name: Measured(above, error)})) == 1


@pytest.mark.parametrize("sharpe", [3.2, 4.0, 6.0, 12.0])
def test_the_days_from_which_a_sharpe_ratio_rings_are_those_of_the_alarm(sharpe: float) -> None:
    """The least track record after which a ratio is told from 3 (Bailey and Lopez de Prado 2012)."""
    least = min_track_record(sharpe / math.sqrt(252), benchmark=3.0 / math.sqrt(252))
    days = days_to_alarm(sharpe)
    assert least is not None
    assert days is not None
    assert least == pytest.approx(days, abs=1.5, rel=1e-3)
    assert days_to_alarm(2.9) is None
