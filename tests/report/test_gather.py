from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from geiger.errors import DataError, SettingError
from geiger.report.gather import HELD, MATCHED, compare, view_of
from geiger.runs.folder import StoredRun

Runs = dict[str, StoredRun]
Changed = Callable[..., StoredRun]
KINDS = ("ridge", "xgb", "stack", "backtest")


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
