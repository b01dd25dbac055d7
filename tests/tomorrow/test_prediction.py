"""A forecast of tomorrow: what it says, on what it rests, and when it is refused."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.backtest.sizing import decide, trailing_volatility
from geiger.errors import DataError, SettingError
from geiger.evidence.conformal import HALFLIFE
from geiger.experiment.evaluation import expected_simple, sizing_of, trade
from geiger.experiment.plan import plan
from geiger.experiment.run import run
from geiger.experiment.written import Run
from geiger.features.catalogue import feature_matrix
from geiger.market.calendar import close_instant, market_of, next_session, open_instant, sessions
from geiger.market.synthetic import planted_market
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.saved import SavedModel, model_of
from geiger.tomorrow.prediction import find_model, predict
from helpers.runs import (
    ROWS,
    as_csv,
    evening,
    locked_experiment,
    locked_settings,
    stack_experiment,
    stack_settings,
    stored_of,
    with_record,
)

HOLIDAYS = [dt.date(2003, 1, 20), dt.date(2003, 2, 17), dt.date(2003, 5, 26)]  # of New York


def test_a_prediction_says_what_when_and_on_what_it_rests(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, planted: pl.DataFrame
) -> None:
    runs, last = RunsFolder(stack_run.folder.parent), planted["day"][-1]
    made = predict(stack_stored, runs, data=planted_folder, now=evening(last))
    assert made.day == last
    assert made.entry_day == next_session(market_of("AAPL"), last)
    assert made.exit_day == next_session(market_of("AAPL"), made.entry_day)
    assert made.low < made.forecast < made.high
    assert made.data_age == 0
    assert made.covered is not None
    assert 0.8 < made.covered < 1.0  # aims at 0.9
    assert made.covered_rows > 100
    assert -1.0 <= made.weight <= 1.0
    assert made.verdict == "not evaluated"
    assert made.direction == ("up" if made.expected > 0 else "down")
    assert "DATA_OLD" not in {notice.code for notice in made.notices}
    lines = "\n".join(made.lines())
    for word in (stack_run.name, "SUCCESS", str(made.entry_day), "90.0% interval", "not evaluated"):
        assert word in lines
    # The forecast is that of the saved model on the last row, from prices up to it.
    features = feature_matrix(planted)
    kept = model_of(stack_stored)
    close = np.log(planted["close"].to_numpy())
    alone = kept.forecast(features, range(ROWS - 1, ROWS), np.diff(close, prepend=np.nan))
    assert made.forecast == pytest.approx(float(alone[0]), abs=1e-12)
    json.dumps(made.as_dict(), allow_nan=False, default=str)


def test_the_interval_lies_between_two_quantiles_of_earlier_errors_in_units_of_volatility(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, planted: pl.DataFrame
) -> None:
    close = planted["close"].to_numpy()
    volatility = trailing_volatility(np.append(np.nan, close[1:] / close[:-1] - 1.0), HALFLIFE)
    rows = planted["day"].search_sorted(stack_run.forecasts["day"]).to_numpy()
    forecast, outcome = (stack_run.forecasts[name].to_numpy() for name in ("forecast", "outcome"))
    plain = (outcome - forecast) / volatility[rows]
    known_on, days = (stack_run.forecasts[name].to_list() for name in ("known_on", "day"))

    def between(scores: np.ndarray, level: float) -> tuple[float, float] | None:
        stack_place = int(np.floor(round((len(scores) + 1) * (1 - level) / 2, 9)))
        return (np.sort(scores)[stack_place - 1], np.sort(scores)[-stack_place]) if stack_place else None

    for level in (0.8, 0.9):
        made = predict(stack_stored, RunsFolder(stack_run.folder.parent), data=planted_folder, level=level)
        whole = between(plain, level)
        assert whole is not None
        assert made.low - made.forecast == pytest.approx(volatility[-1] * whole[0], rel=1e-9)
        assert made.high - made.forecast == pytest.approx(volatility[-1] * whole[1], rel=1e-9)
        sides = []  # each row with the errors whose outcome was known on its day, and no others
        for t, day in enumerate(days):
            past = between(np.array([plain[i] for i in range(t) if known_on[i] <= day]), level)
            if past is not None:
                sides.append((plain[t] < past[0], plain[t] > past[1]))
        below, above = np.mean(sides, axis=0)
        assert (made.below, made.above) == (pytest.approx(below), pytest.approx(above))
        assert (made.covered, made.covered_rows) == (pytest.approx(1 - below - above), len(sides))
        assert "below" in made.lines()[2]
    with pytest.raises(SettingError, match="level must lie between"):
        predict(stack_stored, RunsFolder(stack_run.folder.parent), data=planted_folder, level=90)


def test_the_weight_follows_the_trading_rule_of_the_run_and_its_costs(
    stack_stored: StoredRun, planted_folder: Path, tmp_path: Path
) -> None:
    runs = RunsFolder(tmp_path)
    trading = {**stack_stored.record.config["trading"], "rule": "sign", "cost_bps": 0.0, "slippage_bps": 0.0}
    free = predict(
        with_record(stack_stored, tmp_path, config={"trading": trading}), runs, data=planted_folder
    )
    assert free.weight == np.sign(free.expected)
    dear = with_record(stack_stored, tmp_path, config={"trading": {**trading, "cost_bps": 1e6}})
    assert predict(dear, runs, data=planted_folder).weight == 0.0  # no forecast was ever worth a trade


def test_the_suggested_weight_is_the_one_that_the_ledger_of_these_forecasts_will_hold(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, stack_place: Path, planted: pl.DataFrame
) -> None:
    """Two days later the outcome is known, and the backtest trades the day with the forecasts of then."""
    made = predict(stack_stored, RunsFolder(stack_run.folder.parent), data=planted_folder)
    last = planted.row(-1, named=True)
    later = sessions(market_of("AAPL"), last["day"], last["day"] + dt.timedelta(days=10))
    assert later is not None
    bars = [
        {**last, **{name: last[name] * move for name in ("open", "high", "low", "close")}, "day": day}
        for day, move in zip(later[1:3], (1.01, 0.97), strict=True)
    ]
    extended = pl.concat([planted, pl.DataFrame(bars, schema=planted.schema)])
    material = plan(stack_experiment(stack_place, extended)).material
    kept, history = model_of(stack_stored), stack_stored.forecasts()
    sealed = stack_stored.sealed()  # the rows up to the last one, whose outcome was not known to the run
    recent = kept.forecast(material.features, range(ROWS - 1, ROWS), material.last_returns)
    assert [*sealed["day"], planted["day"][-1]] == planted["day"].tail(sealed.height + 1).to_list()
    added = (
        history.tail(1)
        .clear(sealed.height + 1)
        .with_columns(
            day=planted["day"].tail(sealed.height + 1),
            forecast=pl.concat([sealed["forecast"], pl.Series(recent)]),
            train_std=pl.concat([sealed["train_std"], pl.Series([kept.train_std])]),
        )
    )
    forecasts = pl.concat([history, added]).with_columns(pl.col("day").set_sorted())
    ledger = trade(forecasts, material, stack_settings())
    assert ledger["day"][-1] == made.day
    assert ledger["weight"][-1] == pytest.approx(made.weight, rel=1e-12)
    assert ledger["weight"].n_unique() > 20  # a rule that moves


def test_the_suggested_weight_knows_the_year_of_its_series(tmp_path: Path, planted: pl.DataFrame) -> None:
    """By hand, for bars on every calendar day: a year has 365 rows, of forecasts and of volatility."""
    first = planted["day"][0]
    planted = planted.with_columns(day=pl.Series([first + dt.timedelta(days=n) for n in range(ROWS)]))
    free = {**dict.fromkeys(("cost_bps", "slippage_bps"), 0.0), "rule": "proportional"}
    made = run(
        replace(stack_experiment(tmp_path, planted, "ridge", trading=free, min_train=200), symbol="BTC-USD")
    )
    stack_stored = RunsFolder(made.folder.parent).load(made.name)
    as_csv(tmp_path, planted)
    (tmp_path / "AAPL.csv").rename(tmp_path / "BTC-USD.csv")
    found = predict(stack_stored, RunsFolder(made.folder.parent), data=tmp_path)
    past = pl.concat(
        [one.select("forecast", "train_std") for one in (stack_stored.forecasts(), stack_stored.sealed())]
    )
    expected = np.expm1(past["forecast"].to_numpy() + past["train_std"].to_numpy() ** 2 / 2)
    expected = np.append(expected, found.expected)
    assert expected.size > 365
    close = planted["close"].to_numpy()
    volatility = trailing_volatility(np.append(np.nan, close[1:] / close[:-1] - 1.0))[-1]
    usual = np.sqrt(np.mean(expected[-365:] ** 2))
    target = 0.2  # yearly, of the default risk
    assert abs(found.weight) < 0.99  # no cap
    assert found.weight == pytest.approx(found.expected / usual * target / (volatility * np.sqrt(365)))


def test_a_forecast_is_of_the_last_day_at_hand_whatever_was_locked(
    stack_stored: StoredRun, planted_folder: Path, tmp_path: Path, planted: pl.DataFrame
) -> None:
    locked = with_record(stack_stored, tmp_path, config={"lockbox": 100, "end": str(planted["day"][700])})
    made = predict(locked, RunsFolder(tmp_path), data=planted_folder)
    assert made.day == planted["day"][-1]
    assert not {"LOCKBOX_OPEN", "FILL_CLOSE"} & {notice.code for notice in made.notices}


def test_a_context_that_is_not_at_hand_is_refused(
    stack_stored: StoredRun, planted_folder: Path, tmp_path: Path
) -> None:
    data = {"context": {"volatility": "^VIX"}}
    with pytest.raises(DataError, match=r"learned with \^VIX volatility index, and none is at hand"):
        predict(with_record(stack_stored, tmp_path, data=data), RunsFolder(tmp_path), data=planted_folder)


def test_old_data_missing_days_and_an_old_model_are_said(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, planted: pl.DataFrame
) -> None:
    runs, last = RunsFolder(stack_run.folder.parent), planted["day"][-1]
    late = last + dt.timedelta(days=14)
    made = predict(stack_stored, runs, data=planted_folder, now=evening(late))
    closed = sessions(market_of("AAPL"), last + dt.timedelta(days=1), late)
    assert closed is not None
    assert made.data_age == len(closed)
    (notice,) = [one for one in made.notices if one.code == "DATA_OLD"]
    assert str(last) in notice.text
    lines = (planted_folder / "AAPL.csv").read_text().splitlines()
    gap = lines[-10].split(",")[0]
    (planted_folder / "AAPL.csv").write_text("\n".join([*lines[:-10], *lines[-9:]]) + "\n")
    made = predict(stack_stored, runs, data=planted_folder, now=evening(last))
    assert gap in next(one.text for one in made.notices if one.code == "DAYS_MISSING")


def test_a_bar_of_a_session_that_has_not_ended_is_refused(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, planted: pl.DataFrame
) -> None:
    runs, last = RunsFolder(stack_run.folder.parent), planted["day"][-1]
    closes = close_instant(market_of("AAPL"), last)
    early = dt.timedelta(minutes=1)
    with pytest.raises(DataError, match=rf"the last bar is of {last}, whose session .* UTC: run this after"):
        predict(stack_stored, runs, data=planted_folder, now=closes - early)
    with pytest.raises(DataError, match="whose session"):  # and so is a day of the future
        predict(stack_stored, runs, data=planted_folder, now=closes - dt.timedelta(days=30))
    made = predict(stack_stored, runs, data=planted_folder, now=closes)
    assert (made.day, made.data_age) == (last, 0)
    assert made.save_by is not None
    assert closes < made.save_by <= evening(made.entry_day)


def test_an_entry_that_has_passed_is_said(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, planted: pl.DataFrame
) -> None:
    runs, last = RunsFolder(stack_run.folder.parent), planted["day"][-1]
    opens = open_instant(market_of("AAPL"), next_session(market_of("AAPL"), last))
    for now, expected in ((opens - dt.timedelta(minutes=1), False), (opens, True)):
        codes = {notice.code for notice in predict(stack_stored, runs, data=planted_folder, now=now).notices}
        assert ("ENTRY_PAST" in codes) is expected
    made = predict(
        stack_stored, runs, data=planted_folder, now=close_instant(market_of("AAPL"), opens.date())
    )
    assert made.data_age == 1
    (notice,) = [one for one in made.notices if one.code in ("DATA_OLD", "ENTRY_PAST")]
    assert "1 session has closed since: the entry of this forecast is past" in notice.text


def test_prices_of_something_else_are_said(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, planted: pl.DataFrame
) -> None:
    runs, last = RunsFolder(stack_run.folder.parent), planted["day"][-1]

    def warned() -> bool:
        made = predict(stack_stored, runs, data=planted_folder, now=evening(last))
        return "PRICES_DIFFER" in {notice.code for notice in made.notices}

    assert not warned()
    names = ("open", "high", "low", "close")
    as_csv(
        planted_folder, planted.with_columns(pl.col(name) * 0.7 for name in names)
    )  # a later dividend's adjustment
    assert not warned()
    as_csv(planted_folder, planted_market(ROWS, seed=99, r2=0.05).prices.with_columns(day=planted["day"]))
    assert warned()


def test_a_series_that_does_not_keep_its_calendar_has_no_known_opening_hour(
    stack_run: Run, stack_stored: StoredRun, planted_folder: Path, planted: pl.DataFrame
) -> None:
    """A share of another country, in a file that is called as one of New York's."""
    runs, last = RunsFolder(stack_run.folder.parent), planted["day"][-1]
    days = sessions(market_of("AAPL"), last - dt.timedelta(days=2000), last)
    assert days is not None
    planted = planted.with_columns(
        day=pl.Series(days[-ROWS:])
    )  # without holidays, and with the same last day
    as_csv(planted_folder, planted)
    own = predict(stack_stored, runs, data=planted_folder)
    assert own.save_by == open_instant(market_of("AAPL"), own.entry_day)
    bars = planted.tail(3).with_columns(day=pl.Series(HOLIDAYS))
    flat = bars.with_columns(pl.col("close").alias(name) for name in ("open", "high", "low"))
    for more, known in ((flat, True), (bars.head(2), True), (bars, False)):
        as_csv(planted_folder, pl.concat([planted, more]).sort("day"))
        made = predict(stack_stored, runs, data=planted_folder)
        assert (made.save_by == own.save_by) is known
    # No hour is known, so it is the first moment at which that Monday begins anywhere.
    assert made.save_by == dt.datetime(2003, 6, 15, 10, tzinfo=dt.UTC)


def test_a_position_that_is_kept_says_since_when_and_why(
    stack_stored: StoredRun, planted_folder: Path, tmp_path: Path
) -> None:
    """By hand: under a threshold just above the last expected return, the last day above it decides."""
    runs = RunsFolder(tmp_path)
    trading = {**stack_stored.record.config["trading"], "rule": "sign", "cost_bps": 0.0, "slippage_bps": 0.0}
    free = predict(
        with_record(stack_stored, tmp_path, config={"trading": trading}), runs, data=planted_folder
    )
    assert free.chosen_on == free.day
    assert "the cost of a trade" not in "\n".join(free.lines())
    threshold_bps = abs(free.expected) * 1e4 * trading["holding_days"] * 1.01
    dear = with_record(stack_stored, tmp_path, config={"trading": {**trading, "cost_bps": threshold_bps}})
    made = predict(dear, runs, data=planted_folder)
    past = pl.concat(
        [stack_stored.forecasts().select("day", "forecast"), stack_stored.sealed().select("day", "forecast")]
    )
    std = np.append(
        stack_stored.forecasts()["train_std"].to_numpy(), stack_stored.sealed()["train_std"].to_numpy()
    )
    expected = np.expm1(past["forecast"].to_numpy() + std**2 / 2)
    worth = np.flatnonzero(np.abs(expected) >= threshold_bps / 1e4 / trading["holding_days"])
    assert made.chosen_on == past["day"][int(worth[-1])]
    assert made.weight == np.sign(expected[worth[-1]])
    line = next(line for line in made.lines() if "of equity, after costs" in line)
    assert f"kept from {made.chosen_on}, since this forecast does not pay the cost of a trade" in line
    never = with_record(stack_stored, tmp_path, config={"trading": {**trading, "cost_bps": 1e5}})
    made = predict(never, runs, data=planted_folder)
    assert (made.chosen_on, made.weight) == (None, 0.0)
    assert (
        "Its rule would hold +0.00 of equity, after costs; no forecast so far pays the cost of a trade"
        in "".join(made.lines())
    )


def test_a_context_that_was_not_brought_up_to_date_is_said(
    tmp_path: Path, planted_folder: Path, planted: pl.DataFrame
) -> None:
    lines = (planted_folder / "AAPL.csv").read_text().splitlines()
    (planted_folder / "^GSPC.csv").write_text("\n".join(lines) + "\n")
    made = run(
        replace(
            stack_experiment(tmp_path, planted, "ridge"), prices=None, data=planted_folder, context="^GSPC"
        )
    )
    stack_stored, last = RunsFolder(made.folder.parent).load(made.name), planted["day"][-1]

    def warned(**kwargs: Any) -> list[str]:
        found = predict(
            stack_stored, RunsFolder(made.folder.parent), data=planted_folder, now=evening(last), **kwargs
        )
        return [notice.text for notice in found.notices if notice.code == "CONTEXT_OLD"]

    assert warned() == []
    (planted_folder / "^GSPC.csv").write_text("\n".join(lines[:-6]) + "\n")
    (text,) = warned()
    closed = sessions(market_of("^GSPC"), planted["day"][ROWS - 7] + dt.timedelta(days=1), last)
    assert closed is not None
    assert f"no bar after {planted['day'][ROWS - 7]}, {len(closed)} sessions short" in text


def test_a_model_is_found_by_symbol_and_name(stack_run: Run) -> None:
    runs = RunsFolder(stack_run.folder.parent)
    assert find_model(runs, "AAPL", None).name == stack_run.name
    assert find_model(runs, "AAPL", "ridge").record.model == "ridge"
    with pytest.raises(DataError, match="geiger train catboost AAPL"):
        find_model(runs, "AAPL", "catboost")
    with pytest.raises(DataError, match="no saved model of MSFT"):
        find_model(runs, "MSFT", None)


def test_a_fresh_model_is_not_called_old_and_sizes_by_every_forecast_so_far(
    locked_run: Run, planted_folder: Path, planted: pl.DataFrame
) -> None:
    stored, runs = stored_of(locked_run), RunsFolder(locked_run.folder.parent)
    made = predict(stored, runs, data=planted_folder, now=evening(planted["day"][-1]))
    assert made.model_age == 2  # the last two rows have no known label
    assert "MODEL_OLD" not in {notice.code for notice in made.notices}
    # By hand: what was scored, what was sealed, and the last row.
    past = pl.concat(
        [stored.forecasts().select("day", "forecast", "train_std"), stored.sealed().drop("fold")]
    )
    assert past["day"].to_list() == planted["day"][-past.height - 1 : -1].to_list()
    kept: SavedModel = model_of(stored)
    forecasts = np.append(past["forecast"].to_numpy(), made.forecast)
    std = np.append(past["train_std"].to_numpy(), kept.train_std)
    close = planted["close"].to_numpy()
    volatility = trailing_volatility(np.append(np.nan, close[1:] / close[:-1] - 1.0))[-len(forecasts) :]
    expected = expected_simple(forecasts, std, locked_settings())
    assert made.weight == pytest.approx(
        decide(expected, volatility, sizing_of(locked_settings(), 252))[-1], abs=1e-9
    )


def test_an_old_model_says_how_old_it_is(tmp_path: Path, planted_folder: Path, planted: pl.DataFrame) -> None:
    until = ROWS - 254
    made = run(locked_experiment(tmp_path, planted, "ridge", lockbox=0, end=str(planted["day"][until])))
    runs = RunsFolder(made.folder.parent)
    found = predict(stored_of(made), runs, data=planted_folder, now=evening(planted["day"][-1]))
    (notice,) = [one for one in found.notices if one.code == "MODEL_OLD"]
    assert found.model_age == 255
    assert str(planted["day"][until - 2]) in notice.text
    assert "255 bars" in notice.text


def test_prices_that_end_before_the_decision_of_the_model_are_refused(
    locked_run: Run, planted_folder: Path, planted: pl.DataFrame
) -> None:
    as_csv(planted_folder, planted.head(ROWS - 1))  # one bar less: its label is among what was learned
    with pytest.raises(Exception, match="learned what was known on"):
        predict(
            stored_of(locked_run),
            RunsFolder(locked_run.folder.parent),
            data=planted_folder,
            now=evening(planted["day"][-1]),
        )


def momentum(bars: pl.DataFrame) -> pl.Series:
    return (bars["close"] / bars["close"].shift(20)).log()


def clipped(bars: pl.DataFrame) -> pl.Series:
    opens = bars["open"]
    return (opens.shift(-2) / opens.shift(-1)).log().clip(-0.02, 0.02)


def test_own_features_and_target_are_given_again_and_must_be_the_same(
    tmp_path: Path, planted_folder: Path, planted: pl.DataFrame
) -> None:
    given = locked_experiment(tmp_path, planted, "ridge")
    made = run(replace(given, features=momentum, target=clipped))
    stored, runs = stored_of(made), RunsFolder(made.folder.parent)

    def forecast(**own: Any) -> Any:
        return predict(stored, runs, data=planted_folder, now=evening(planted["day"][-1]), **own)

    found = forecast(features=momentum, target=clipped)
    whole = replace(given, features=momentum, config=locked_settings(lockbox=0)).material()
    model = model_of(stored)
    last = model.forecast(whole.features, range(ROWS - 1, ROWS), whole.last_returns)[0]
    assert found.forecast == pytest.approx(last, rel=1e-9)
    assert "PRICES_DIFFER" not in {notice.code for notice in found.notices}
    with pytest.raises(SettingError, match="used features of your own, momentum, given in memory"):
        forecast(target=clipped)
    with pytest.raises(SettingError, match="used target of your own, clipped, given in memory"):
        forecast(features=momentum)
    with pytest.raises(
        DataError, match="target <lambda> makes other numbers of the run's prices than clipped"
    ):
        forecast(features=momentum, target=lambda bars: clipped(bars) * 0.5)
    with pytest.raises(DataError, match="makes other numbers of the run's prices than momentum did"):
        forecast(features=lambda bars: momentum(bars) * 2.0, target=clipped)


def test_a_frame_serves_as_it_was_kept_or_with_newer_rows(
    tmp_path: Path, planted_folder: Path, planted: pl.DataFrame
) -> None:
    frame = planted.select("day", x=pl.col("close").log()).head(ROWS - 3)
    made = run(replace(locked_experiment(tmp_path, planted, "ridge"), features=frame))
    stored, runs, now = stored_of(made), RunsFolder(made.folder.parent), evening(planted["day"][-1])
    found = predict(stored, runs, data=planted_folder, now=now)
    (notice,) = [one for one in found.notices if one.code == "OWN_DATA_OLD"]
    assert "serves 3 later bars" in notice.text
    whole = planted.select("day", x=pl.col("close").log())
    newer = predict(stored, runs, data=planted_folder, now=now, features=whole)
    assert "OWN_DATA_OLD" not in {one.code for one in newer.notices}
    assert newer.forecast != found.forecast
    for other in (frame.head(ROWS - 5), whole.with_columns(pl.col("x") * 2.0), whole.rename({"x": "y"})):
        with pytest.raises(SettingError, match="no longer the frame that it learned from"):
            predict(stored, runs, data=planted_folder, now=now, features=other)


def test_own_columns_that_are_called_otherwise_now_are_refused(
    tmp_path: Path, planted_folder: Path, planted: pl.DataFrame
) -> None:
    code = "def own(bars):\n    return bars.select('day', **{f'x{bars[0, 0].year}': 'close'})\n"
    (tmp_path / "mine.py").write_text(code)
    given = replace(locked_experiment(tmp_path, planted, "ridge"), features=f"{tmp_path / 'mine.py'}:own")
    made = run(given)
    as_csv(planted_folder, planted.tail(ROWS - 262))
    with pytest.raises(DataError, match="learned from the own columns x2000; now they are x2001"):
        predict(
            stored_of(made),
            RunsFolder(made.folder.parent),
            data=planted_folder,
            features=given.features,
            now=evening(planted["day"][-1]),
        )
