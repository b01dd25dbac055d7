from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from geiger.errors import DataError, SettingError
from geiger.report.comparison import compare
from geiger.report.gather import HELD, MATCHED, _split, view_of
from helpers.pages import KINDS, Changed, Runs


@pytest.mark.parametrize("kind", KINDS)
def test_baselines_grow_as_the_scorecard_says(kind: str, made: Runs) -> None:
    view = view_of(made[kind])
    assert view.equity is not None
    total = view.score("total_return")
    for curve, name in (("strategy", "strategy"), (HELD, "buy_and_hold"), (MATCHED, "volatility_matched")):
        assert view.equity.curves[curve][-1] - 1 == pytest.approx(total[name], abs=1e-12)


@pytest.mark.parametrize("part", ["results", "symbol", "status"])
def test_a_record_without_its_facts_is_refused(part: str, made: Runs, changed: Changed) -> None:
    broken = changed(made["ridge"], lambda facts: facts.pop(part))
    with pytest.raises(DataError, match=r"run\.json: cannot be read .*train again"):
        view_of(broken)


def test_a_comparison_needs_two_different_runs(made: Runs) -> None:
    view = view_of(made["ridge"])
    with pytest.raises(SettingError, match="at least two runs"):
        compare([made["ridge"], made["ridge"]], [view, view])


def test_a_stored_year_is_used_and_not_guessed(made: Runs, changed: Changed) -> None:
    other = changed(made["ridge"], lambda facts: facts.update(days_per_year=260))
    assert view_of(other).days_per_year == 260


def test_years_that_differ_are_counted_from_the_common_days(made: Runs, changed: Changed) -> None:
    stored = [changed(made["ridge"], lambda facts: facts.update(days_per_year=365)), made["xgb"]]
    view = compare(stored, [view_of(one) for one in stored])
    days = made["xgb"].ledger()["day"]
    counted = round((len(days) - 1) * 365.25 / (days[-1] - days[0]).days)
    assert 255 <= counted <= 262  # weekdays without holidays
    assert f"here it is {counted} days" in view.common_note
    net = made["xgb"].ledger()["net"].to_numpy()
    expected = net.mean() / net.std(ddof=1) * np.sqrt(counted)
    assert dict(view.common_figures[0].values)[stored[1].name] == pytest.approx(expected)


def put(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(facts: dict[str, Any]) -> None:
        at: Any = facts
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("results", "years", 0, "turnover", value=None),
        put("results", "figures", 0, "value", value="0.5"),
        put("results", "figures", 0, "value", value=True),
        put("results", "figures", 0, "value", value=10**400),
        put("results", "figures", 0, "unit", value="furlong"),
        put("results", "ladder", 0, "minimum", value=None),
        put("results", "health", "beta", value="steep"),
        put("results", "scores", 0, "values", 0, 1, value="much"),
        put("results", "scores", 0, "values", value=7),
        put("results", "folds", 0, "first", value=20150101),
        put("folds", 0, "rounds", value=["many"]),
        put("config", "trading", "cost_bps", value=None),
        put("config", "trading", "cost_bps", value=-1.0),
        put("days_per_year", value="many"),
        put("days_per_year", value=0),
        put("data", value=["no", "mapping"]),
    ],
)
def test_values_of_the_wrong_kind_are_refused_in_one_line(
    change: Callable[[dict[str, Any]], None], made: Runs, changed: Changed
) -> None:
    with pytest.raises(DataError, match=r"run\.json: cannot be read \(.*\); train again") as caught:
        view_of(changed(made["ridge"], change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (0.4, "40% of equity in the asset and the rest in cash"),
        (1.5, "150% of equity in the asset, 50% of it borrowed"),
    ],
)
def test_more_than_all_equity_is_borrowed(weight: float, text: str) -> None:
    assert _split(weight) == f"a constant {text}"
