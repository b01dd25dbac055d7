from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from geiger.errors import DataError
from geiger.report.gather import HELD, MATCHED, _split, view_of
from helpers.pages import HOSTILE, KINDS, Changed, Runs


@pytest.mark.parametrize("kind", KINDS)
def test_baselines_grow_as_the_scorecard_says(kind: str, made: Runs) -> None:
    view = view_of(made[kind])
    assert view.equity is not None
    total = view.score("total_return")
    for curve, name in (("strategy", "strategy"), (HELD, "buy_and_hold"), (MATCHED, "volatility_matched")):
        assert view.equity.curves[curve][-1] - 1 == pytest.approx(total[name], abs=1e-12)


@pytest.mark.parametrize("part", ["results", "symbol", "status"])
def test_a_record_without_its_facts_is_refused(part: str, made: Runs, changed: Changed) -> None:
    with pytest.raises(DataError, match=rf"run\.json: cannot be read .*`{part}`\); train again"):
        changed(made["ridge"], lambda facts: facts.pop(part))


def test_a_stored_year_is_used_and_not_guessed(made: Runs, changed: Changed) -> None:
    other = changed(made["ridge"], lambda facts: facts.update(days_per_year=260))
    assert view_of(other).days_per_year == 260


def test_what_is_the_users_own_stands_among_the_data(made: Runs, changed: Changed) -> None:
    part = {"name": "<b>.py:gap", "digest": "a" * 64, "columns": ["gap", "calm"]}
    own = changed(made["ridge"], lambda facts: facts.update(own={"features": part}))
    data = dict(view_of(own).data)
    assert data["own features.name"] == "<b>.py:gap"
    assert data["own features.columns"] == "gap, calm"
    assert not [name for name in dict(view_of(made["ridge"]).data) if name.startswith("own")]


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
        put("status", value=HOSTILE),
        put("results", "health", "code", value=HOSTILE * 50),
        put("config", "trading", value=HOSTILE),
        put("config", "stack", value={"models": [[[]]]}),
    ],
)
def test_values_of_the_wrong_kind_are_refused_in_one_line(
    change: Callable[[dict[str, Any]], None], made: Runs, changed: Changed
) -> None:
    with pytest.raises(DataError, match=r"run\.json: cannot be read \(.*\); train again") as caught:
        view_of(changed(made["stack"], change))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_weights_of_two_blocks_on_one_day_are_a_gap(made: Runs, changed: Changed) -> None:
    stored = changed(made["stack"], lambda facts: None)
    path = stored.folder / "weights.parquet"
    table = pl.read_parquet(path)
    table.with_columns(day=pl.lit(table["day"][0])).write_parquet(path)
    view = view_of(stored)
    assert view.weights is None
    assert any("two blocks begin on one day" in gap for gap in view.gaps)


def test_the_rolling_correlation_stands_on_the_days_when_outcomes_were_known(
    made: Runs, changed: Changed
) -> None:
    view = view_of(changed(made["ridge"], lambda facts: facts.update(days_per_year=20)))
    found = view.paths.rolling_ic
    assert found is not None
    assert found.window == 20
    assert list(found.days) == made["ridge"].forecasts().drop_nulls("outcome")["known_on"].to_list()


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (0.4, "40% of equity in the asset and the rest in cash"),
        (1.5, "150% of equity in the asset, 50% of it borrowed"),
    ],
)
def test_more_than_all_equity_is_borrowed(weight: float, text: str) -> None:
    assert _split(weight) == f"a constant {text}"
