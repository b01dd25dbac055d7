"""A panel's page gathers what the record says; paths are made again from the forecasts."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from geiger.columns import PANEL_FORECASTS, require
from geiger.report.gather import EQUAL, view_of
from geiger.report.universe import (
    by_month,
    by_symbol_and_year,
    own_sum,
    ranks_of,
    traces_of,
    universe_of,
)
from geiger.runs.folder import StoredRun
from helpers.pages import Changed


def frame(rows: list[tuple[dt.date, str, float, float]]) -> pl.DataFrame:
    """Forecasts of day, symbol, score and outcome; the volatility is 2% throughout."""
    columns = ("day", "symbol", "score", "outcome")
    made = pl.DataFrame(rows, schema=dict.fromkeys(columns), orient="row").with_columns(
        model=pl.lit("ridge"),
        fold=pl.lit(0),
        market=pl.lit(0.0),
        forecast=pl.lit(0.0),
        known_on=pl.col("day"),
        train_end=pl.col("day"),
        volatility=pl.lit(0.02),
    )
    return require(
        made.select(PANEL_FORECASTS.columns.keys()).cast(dict(PANEL_FORECASTS.columns)), PANEL_FORECASTS
    )


def test_the_daily_correlations_have_the_mean_of_the_record(panel_run: StoredRun) -> None:
    view = universe_of(panel_run, view_of(panel_run))
    found, traces = view.found, view.traces
    assert found is not None
    assert traces is not None
    known = traces.daily[np.isfinite(traces.daily)]
    assert known.size == found.ics[0].days
    assert known.mean() == pytest.approx(found.ics[0].mean, abs=1e-12)
    years = {one.name: one for one in found.ics if one.kind == "year"}
    own = traces.days[np.isfinite(traces.daily)].astype("datetime64[Y]").astype(str)
    for name, one in years.items():
        assert known[own == name].mean() == pytest.approx(one.mean, abs=1e-12)


def test_a_symbols_running_sum_ends_at_the_correlation_of_the_record(panel_run: StoredRun) -> None:
    view = universe_of(panel_run, view_of(panel_run))
    assert view.traces is not None
    assert view.found is not None
    assert len(view.found.members) == len(view.members) == len(view.traces.symbols)
    for column, symbol in enumerate(view.traces.symbols):
        member = next(one for one in view.found.members if one.symbol == symbol)
        _, scores, outcomes = view.traces.of(column)
        line = own_sum(scores, outcomes)
        assert line is not None
        assert line[-1] / np.sqrt(line.size) == pytest.approx(member.correlation, abs=1e-9)


def test_months_and_years_by_hand() -> None:
    days = [dt.date(2020, 1, 30), dt.date(2020, 1, 31), dt.date(2020, 2, 3), dt.date(2021, 2, 1)]
    orders = [(1, 2, 3), (3, 2, 1), (1, 2, 3), (1, 3, 2)]  # outcomes of scores 1, 2, 3
    rows = [
        (day, symbol, score, 0.01 * order[place])
        for day, order in zip(days, orders, strict=True)
        for place, (symbol, score) in enumerate([("A", 1.0), ("B", 2.0), ("C", 3.0)])
    ]
    traces = traces_of(frame(rows), least=3)
    assert traces is not None
    np.testing.assert_allclose(traces.daily, [1.0, -1.0, 1.0, 0.5])
    years, values, errors = by_month(traces)
    assert years.tolist() == [2020, 2021]
    np.testing.assert_allclose(values[:, :3], [[0.0, 1.0, np.nan], [np.nan, 0.5, np.nan]])
    deviation = np.std([1.0, -1.0, 1.0, 0.5], ddof=1)
    np.testing.assert_allclose(errors[0, :2], [deviation / np.sqrt(2), deviation])
    assert np.isfinite(values).sum() == np.isfinite(errors).sum() == 3
    # a symbol needs twenty days of a year
    assert np.isnan(by_symbol_and_year(traces, [0, 1, 2])[1]).all()
    assert own_sum(traces.scores[:, 0], traces.outcomes[:, 0]) is None


def test_a_symbols_year_is_the_correlation_of_its_rows() -> None:
    rng = np.random.default_rng(3)
    days = [dt.date(2020, 3, 1) + dt.timedelta(i) for i in range(40)]
    scores, outcomes = rng.normal(size=(40, 4)), rng.normal(size=(40, 4))
    rows = [
        (day, f"S{j}", float(scores[i, j]), float(0.02 * outcomes[i, j]))
        for i, day in enumerate(days)
        for j in range(4)
    ]
    traces = traces_of(frame(rows), least=4)
    assert traces is not None
    years, values, errors = by_symbol_and_year(traces, [2])
    x, y = (grid - grid.mean(axis=1, keepdims=True) for grid in (scores, outcomes))
    assert years.tolist() == [2020]
    assert values[0, 0] == pytest.approx(np.corrcoef(x[:, 2], y[:, 2])[0, 1])
    assert 0.05 < errors[0, 0] < 0.5


def test_days_with_few_symbols_do_not_count() -> None:
    rows = [(dt.date(2020, 1, 30), symbol, 1.0, 0.0) for symbol in "ABC"]
    assert traces_of(frame(rows), least=4) is None


def test_forecasts_that_cannot_be_read_leave_a_gap(panel_run: StoredRun, changed: Changed) -> None:
    broken = changed(panel_run, lambda facts: None)
    (broken.folder / "forecasts.parquet").write_bytes(b"no frame")
    view = universe_of(broken, view_of(broken))
    assert view.traces is None
    assert view.ranking == ()
    assert view.found is not None
    assert any("forecasts.parquet" in gap for gap in view.run.gaps)


def test_the_portfolio_stands_beside_equal_weight(panel_run: StoredRun) -> None:
    equity = view_of(panel_run).equity
    assert equity is not None
    ledger = panel_run.ledger()
    np.testing.assert_allclose(equity.curves["strategy"], np.cumprod(1.0 + ledger["net"].to_numpy()))
    np.testing.assert_allclose(equity.curves[EQUAL], np.cumprod(1.0 + ledger["asset_return"].to_numpy()))


def test_the_last_ranking_is_that_of_the_last_day(panel_run: StoredRun) -> None:
    view = universe_of(panel_run, view_of(panel_run))
    forecasts = panel_run.panel_forecasts()
    last = forecasts.filter(pl.col("day") == forecasts["day"].max())
    assert view.ranked_on == last["day"][0]
    assert [one.score for one in view.ranking] == sorted(last["score"].to_list(), reverse=True)


def test_two_runs_are_paired_on_the_rows_of_both(panel_run: StoredRun, changed: Changed) -> None:
    other = changed(panel_run, lambda facts: None)
    forecasts = other.panel_forecasts()
    reversed_scores = forecasts.with_columns(score=-pl.col("score")).filter(pl.col("symbol") != "P00")
    reversed_scores.write_parquet(other.folder / "forecasts.parquet")
    ranks = ranks_of([panel_run, other])
    (one,) = ranks.common
    assert ranks.own[0] == ranks.own[1] == panel_run.record.results.cross_section
    assert one.days > 100
    assert one.mean is not None
    # the other's scores are ours turned round, so ours add twice what theirs lack
    assert one.gain == pytest.approx(-2 * one.mean)
