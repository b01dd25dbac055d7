"""A panel's ranking for the next session: what it says, on what it rests, and when it is refused."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.backtest.portfolio import long_short, smoothed
from geiger.errors import DataError, SettingError
from geiger.market.calendar import next_session
from geiger.panel.experiment import Panel
from geiger.panel.material import load_panel
from geiger.panel.saved import panel_model_of
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.tomorrow.panel_prediction import PanelPrediction, predict_panel
from helpers.panels import ENDED, NAME, SYMBOLS, panel_config

NOW = dt.datetime(2030, 1, 2, tzinfo=dt.UTC)


def stored_in(place: Path) -> tuple[StoredRun, RunsFolder]:
    runs = RunsFolder(place / "runs")
    stored = runs.newest(NAME)
    assert stored is not None
    return stored, runs


@pytest.fixture(scope="session")
def made(twelve: Path) -> PanelPrediction:
    stored, runs = stored_in(twelve)
    return predict_panel(stored, runs, now=NOW)


@pytest.fixture
def own(twelve: Path, tmp_path: Path) -> Path:
    """A copy that a test may change; the run goes on naming the first prices."""
    shutil.copytree(twelve / "runs", tmp_path / "runs")
    shutil.copytree(twelve / "prices", tmp_path / "prices")
    return tmp_path


def bars_of(place: Path, symbol: str) -> pl.DataFrame:
    return pl.read_csv(place / "prices" / f"{symbol}.csv", try_parse_dates=True)


def test_every_symbol_with_a_bar_of_the_last_day_has_a_place(made: PanelPrediction, twelve: Path) -> None:
    last = bars_of(twelve, "P00")["Date"][-1]
    assert made.day == last
    assert made.entry_day > made.day
    assert made.exit_day == next_session(load_of(twelve).market, made.entry_day)
    assert [row.rank for row in made.ranking] == list(range(1, 12))
    assert {row.symbol for row in made.ranking} == set(SYMBOLS) - {ENDED}
    scores = [row.score for row in made.ranking]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) == pytest.approx(0.0, abs=1e-12)
    end = bars_of(twelve, ENDED)["Date"][-1]
    assert made.absent == (f"{ENDED}: no bar of {last}; its last is of {end}",)


def load_of(place: Path):  # type: ignore[no-untyped-def]
    """The prices up to now, nothing locked."""
    work = Panel(
        NAME,
        SYMBOLS,
        config=panel_config(lockbox=0),
        data=place / "prices",
        context="none",
        runs_dir=place / "again",
    )
    return load_panel(work)


def test_numbers_are_those_of_the_saved_model_on_the_last_row(made: PanelPrediction, twelve: Path) -> None:
    stored, _ = stored_in(twelve)
    material, model = load_of(twelve), panel_model_of(stored).trained
    days = len(material.calendar)
    rows = material.rows(days - 1, days)
    issued = model.forecast(material, rows)
    for i, member in enumerate(material.member[rows]):
        told = next(row for row in made.ranking if row.symbol == material.symbols[member])
        assert told.score == issued.score[i]
        expected = model.slope * issued.score[i] + issued.market[i]
        assert told.forecast == pytest.approx(material.volatility[rows][i] * expected, rel=1e-12)


def test_an_interval_comes_from_the_symbols_own_earlier_errors(made: PanelPrediction, twelve: Path) -> None:
    """Against a loop over plain numbers: errors in fast volatilities, and the k-th of them at each end."""
    stored, _ = stored_in(twelve)
    told = next(row for row in made.ranking if row.symbol == "P04")
    bars = bars_of(twelve, "P04")
    scale, square, weight = {}, 0.0, 0.0
    decay = 0.5 ** (1.0 / 5.0)
    closes = bars["Close"].to_list()
    for day, close, before in zip(bars["Date"][1:], closes[1:], closes[:-1], strict=True):
        square, weight = decay * square + (close / before - 1.0) ** 2, decay * weight + 1.0
        scale[day] = (square / weight) ** 0.5
    past = stored.panel_forecasts().filter(pl.col("symbol") == "P04")
    errors = sorted(
        (row["outcome"] - row["forecast"]) / scale[row["day"]] for row in past.iter_rows(named=True)
    )
    k = int((len(errors) + 1) * 0.05)
    assert told.low == pytest.approx(told.forecast + scale[made.day] * errors[k - 1], rel=1e-9)
    assert told.high == pytest.approx(told.forecast + scale[made.day] * errors[-k], rel=1e-9)


def test_intervals_hold_about_what_they_promise(made: PanelPrediction) -> None:
    """Over all symbols: 2,400 rows, of which chance alone moves the share by 0.6 points or so."""
    assert made.covered_rows > 2000
    assert made.covered == pytest.approx(0.9, abs=0.03)
    assert made.covered + made.below + made.above == pytest.approx(1.0)  # type: ignore[operator]


def test_the_weights_are_those_of_the_smoothed_scores(made: PanelPrediction, twelve: Path) -> None:
    stored, _ = stored_in(twelve)
    material, model = load_of(twelve), panel_model_of(stored).trained
    days = len(material.calendar)
    rows = material.rows(days - 30, days)
    scores = material.grid(model.forecast(material, rows).score, rows)[days - 30 :]
    wanted = long_short(smoothed(scores, 1.0, 10), 10)[-1]  # all after the run's own: nothing else has a part
    for row in made.ranking:
        assert row.weight == pytest.approx(wanted[SYMBOLS.index(row.symbol)], abs=1e-7)
    weights = np.array([row.weight for row in made.ranking])
    assert weights[weights > 0].sum() == pytest.approx(0.5)
    assert weights.sum() == pytest.approx(0.0, abs=1e-12)


def test_the_answer_comes_first_and_what_misleads_is_said(made: PanelPrediction, twelve: Path) -> None:
    stored, _ = stored_in(twelve)
    assert stored.record.verdict is not None
    lines = made.lines()
    assert lines[0] == f"{NAME} ridge: {made.verdict}"
    assert made.verdict.startswith(str(stored.record.verdict.answer))
    assert lines[3].split()[:2] == ["1", made.ranking[0].symbol]
    assert {notice.code for notice in made.notices} >= {"DATA_OLD", "CONTEXT_MISSING"}
    facts = json.loads(json.dumps(made.as_dict(), allow_nan=False, default=str))
    assert facts["ranking"][0]["symbol"] == made.ranking[0].symbol
    assert facts["day"] == str(made.day)


def test_a_symbol_without_a_fresh_bar_is_named(own: Path) -> None:
    bars_of(own, "P05").head(-1).write_csv(own / "prices" / "P05.csv")
    stored, runs = stored_in(own)
    made = predict_panel(stored, runs, data=own / "prices", now=NOW)
    assert "P05" not in {row.symbol for row in made.ranking}
    assert [text.partition(":")[0] for text in made.absent] == ["P05", ENDED]
    assert len(made.ranking) == 10


def test_too_few_fresh_bars_or_older_prices_are_refused(own: Path) -> None:
    """A day counts from ten symbols on; days that lie before what the model learned from give no forecast."""
    stored, runs = stored_in(own)
    for symbol in ("P05", "P06"):
        bars_of(own, symbol).head(-1).write_csv(own / "prices" / f"{symbol}.csv")
    with pytest.raises(DataError, match="prices at hand end on"):
        predict_panel(stored, runs, data=own / "prices", now=NOW)


def test_prices_that_are_others_are_said(own: Path) -> None:
    swapped = bars_of(own, "P07")
    swapped.write_csv(own / "prices" / "P06.csv")
    stored, runs = stored_in(own)
    made = predict_panel(stored, runs, data=own / "prices", now=NOW)
    told = next(notice for notice in made.notices if notice.code == "PRICES_DIFFER")
    assert "the prices of P06 have another return" in told.text


def test_a_session_that_has_not_ended_is_refused(twelve: Path, made: PanelPrediction) -> None:
    stored, runs = stored_in(twelve)
    early = dt.datetime.combine(made.day, dt.time(), dt.UTC) - dt.timedelta(days=1)
    with pytest.raises(DataError, match="is complete at"):
        predict_panel(stored, runs, now=early)
    with pytest.raises(SettingError, match="level"):
        predict_panel(stored, runs, level=1.0, now=NOW)
