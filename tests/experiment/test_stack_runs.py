"""The stack from prices to a saved model: what a run may know, keep, use tomorrow and repeat."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import geiger.experiment.plan
from geiger.backtest.sizing import trailing_volatility
from geiger.errors import DataError, SettingError, TrainingError
from geiger.evidence.conformal import HALFLIFE
from geiger.experiment.evaluation import evaluate, trade
from geiger.experiment.plan import Experiment, plan
from geiger.experiment.replay import changes_since, replay
from geiger.experiment.run import backtest, run, run_bases
from geiger.experiment.written import Run
from geiger.features.catalogue import feature_matrix
from geiger.market.calendar import close_instant, market_of, next_session, open_instant, sessions
from geiger.market.synthetic import planted_market
from geiger.records import Status
from geiger.runlog import read_log
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.saved import model_of
from geiger.settings import Config, override, recipe
from geiger.tomorrow.prediction import find_model, predict

ROWS = 900
MODELS = ("ridge", "xgb", "lgb")


def small(**changes: Any) -> Config:
    base: dict[str, Any] = {
        **{"lockbox": 0, "min_train": 300, "refit": 60, "max_folds": None, "seeds": 2},
        **{name: {"max_trees": 8} for name in ("xgb", "lgb", "catboost")},
        "stack": {"models": MODELS, "min_rows": 120, "meta": "nnls"},
    }
    return override(override(recipe("quick"), base), changes)


@pytest.fixture(scope="module")
def market() -> pl.DataFrame:
    return planted_market(ROWS, seed=5, r2=0.05).prices


def experiment(folder: Path, prices: pl.DataFrame, model: str = "stack", **changes: Any) -> Experiment:
    return Experiment(
        "AAPL",
        model,
        small(**changes),
        context="none",
        prices=prices,
        runs_dir=folder / "runs",
        log_dir=folder / "logs",
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stack")


@pytest.fixture(scope="module")
def trained(place: Path, market: pl.DataFrame) -> Run:
    return run(experiment(place, market))


@pytest.fixture(scope="module")
def stored(trained: Run) -> StoredRun:
    return RunsFolder(trained.folder.parent).load(trained.name)


def test_a_stack_trains_its_base_models_and_ends_with_a_complete_log(trained: Run, place: Path) -> None:
    assert trained.status is Status.SUCCESS
    names = sorted(path.name.split("_2")[0] for path in (place / "logs").glob("*.log"))
    logs = [name for name in names if name != "AAPL_backtest"]  # of other tests
    assert logs == ["AAPL_gbm_lgb", "AAPL_gbm_xgb", "AAPL_ridge", "AAPL_stack"]
    assert trained.log is not None
    text = trained.log.read_text(encoding="utf-8")
    log = read_log(trained.log)
    assert log.status is Status.SUCCESS
    assert not log.unread
    assert log.epochs == ()
    assert len(log.folds) == len(trained.forecasts["fold"].unique())
    for name in ("equal weights", "best single of the past", "ridge"):
        assert f"Note: Rival {name}: correlation" in text
    assert "Note: Weights from" in text
    assert "Note: Weights for use" in text
    assert "Meta-learner: nnls, standardised units" in text


def test_base_models_that_are_there_are_not_trained_again(
    place: Path, market: pl.DataFrame, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(geiger.experiment.plan, "walk", never)
    planned = plan(experiment(place, market))
    assert all(base.stored for base in run_bases(planned))
    assert planned.stored() is not None
    assert planned.minutes() == 0.0


def test_the_stack_really_uses_the_forecasts_of_its_runs(trained: Run, stored: StoredRun) -> None:
    runs = RunsFolder(trained.folder.parent)
    store = pl.read_parquet(trained.folder / "out_of_fold.parquet")
    for model, name in stored.record.bases.items():
        own = runs.load(name)
        rows = store.filter(pl.col("model") == model).sort("seed", "day")
        members = own.members().sort("seed", "day")
        assert rows["forecast"].equals(members["forecast"], null_equal=True)
    fold = trained.forecasts["fold"][0]
    weights = pl.read_parquet(trained.folder / "weights.parquet").filter(pl.col("fold") == fold)
    assert weights["weight"].max() > 0.0
    # By hand: scaled by the rows before, weighed, and back.
    block = trained.forecasts.filter(pl.col("fold") == fold)
    before = pl.read_parquet(trained.folder / "in_sample.parquet").filter(pl.col("fold") == fold)
    means = store.group_by("model", "day").agg(pl.col("forecast").mean(), pl.col("outcome").first())
    total = np.zeros(block.height)
    outcome = before.join(means.filter(pl.col("model") == "ridge"), on="day")["outcome"].to_numpy()
    for model, weight in weights.select("model", "weight").iter_rows():
        own = means.filter(pl.col("model") == model)
        past = before.select("day").join(own, on="day")["forecast"].to_numpy()
        now = block.select("day").join(own, on="day", maintain_order="left")["forecast"].to_numpy()
        total += weight * (now - past.mean()) / past.std()
    expected = outcome.mean() + outcome.std() * total
    np.testing.assert_allclose(block["forecast"].to_numpy(), expected, rtol=0, atol=1e-12)


def test_another_future_changes_no_forecast_before_it(
    tmp_path: Path, market: pl.DataFrame, trained: Run, other_future: Callable[..., pl.DataFrame]
) -> None:
    blocks = trained.forecasts.group_by("fold", maintain_order=True).agg(pl.col("day").first())
    first, middle = blocks["day"][0], blocks["day"][len(blocks) // 2]
    for day, shift in ((first, 0), (middle, -1), (middle, 0), (middle, 1)):
        cut = int(market["day"].search_sorted(day)) + shift
        again = run(experiment(tmp_path / f"{cut}", other_future(market, cut)))
        upto = market["day"][cut]
        old, new = (frame.filter(pl.col("day") <= upto) for frame in (trained.forecasts, again.forecasts))
        assert old.height == new.height
        assert old.drop("outcome", "known_on").equals(new.drop("outcome", "known_on"))
        assert not trained.forecasts["forecast"].equals(again.forecasts["forecast"])


@pytest.mark.slow
def test_another_future_changes_no_forecast_before_it_with_a_network_and_ordered_trees(
    tmp_path: Path, market: pl.DataFrame, other_future: Callable[..., pl.DataFrame]
) -> None:
    network = {"lookback": 20, "burn_in": 5, "epochs": 2, "width": 8, "lstm": (4,), "key": 4, "inner": 8}
    settings = {
        **{"refit": 150, "seeds": 1, "workers": 1, "lstm": network},
        "stack": {"models": ("lstm", "catboost"), "min_rows": 120, "meta": "simplex"},
    }
    one = run(experiment(tmp_path / "one", market, **settings))
    cut = int(market["day"].search_sorted(one.forecasts["day"][len(one.forecasts) // 2]))
    two = run(experiment(tmp_path / "two", other_future(market, cut), **settings))
    old, new = (done.forecasts.filter(pl.col("day") <= market["day"][cut]) for done in (one, two))
    assert old.height == new.height > 50
    assert old.drop("outcome", "known_on").equals(new.drop("outcome", "known_on"))
    weights = pl.read_parquet(one.folder / "weights.parquet")
    assert dict(weights.group_by("model").agg(pl.col("weight").max()).iter_rows())["lstm"] > 0.0


def test_a_failing_base_model_is_left_out_and_said(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = geiger.experiment.plan.walk

    def breaking(material: Any, model: str, *args: Any, **kwargs: Any) -> Any:
        if model == "xgb":
            raise TrainingError("xgb: out of luck")
        return real(material, model, *args, **kwargs)

    monkeypatch.setattr(geiger.experiment.plan, "walk", breaking)
    made = run(experiment(tmp_path, market))
    assert made.status is Status.SUCCESS
    (notice,) = [one for one in made.notices if one.code == "STACK_LEFT_OUT"]
    assert "xgb could not be trained and is left out: xgb: out of luck" in notice.text
    assert set(pl.read_parquet(made.folder / "weights.parquet")["model"]) == {"ridge", "lgb"}
    assert "STACK_LEFT_OUT" in made.log.read_text(encoding="utf-8") if made.log else False


def test_without_any_base_model_the_log_ends_as_failed(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*args: Any, **kwargs: Any) -> Any:
        raise TrainingError("no luck")

    monkeypatch.setattr(geiger.experiment.plan, "walk", breaking)
    with pytest.raises(TrainingError, match="no base model has forecasts"):
        run(experiment(tmp_path, market))
    (log,) = (tmp_path / "logs").glob("AAPL_stack_*.log")
    assert read_log(log).status is Status.FAILED


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"stack": {"models": ("ridge", "nope")}}, "no model 'nope'"),
        ({"stack": {"models": ()}}, "name at least one model"),
        ({"stack": {"models": ("ridge", "ridge")}}, "each once"),
        ({"stack": {"models": ("ridge",), "min_rows": 5000}}, "too few days for a stack"),
        ({"stack": {"models": ("ridge",)}, "max_folds": 1}, "too few days for a stack"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_trained(
    tmp_path: Path, market: pl.DataFrame, wrong: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingError, match=words):
        plan(experiment(tmp_path, market, **wrong))
    assert not (tmp_path / "logs").exists()


def test_rivals_are_measured_as_the_run_that_trades_them_would_be(
    place: Path, market: pl.DataFrame, trained: Run, stored: StoredRun
) -> None:
    rivals = {rival.name: rival for rival in trained.evaluation.rivals}
    own = RunsFolder(trained.folder.parent).load(stored.record.bases["ridge"]).forecasts()
    days = trained.forecasts.select("day")
    forecast = days.join(own, on="day", maintain_order="left")["forecast"]
    swapped = trained.forecasts.with_columns(forecast=forecast)
    planned = plan(experiment(place, market))
    alone = evaluate(swapped, stored.in_sample(), planned.material, planned.experiment.config)
    figures = {figure.name: figure.value for figure in alone.figures}
    ridge = rivals["ridge"]
    assert ridge.sharpe == pytest.approx(alone.scorecard.value("sharpe"))
    assert ridge.accuracy == pytest.approx(figures["Direction Accuracy"])
    assert ridge.r2 == pytest.approx(figures["R2 out of Sample"])
    stack_r2 = {figure.name: figure.value for figure in trained.evaluation.figures}["R2 out of Sample"]
    assert stack_r2 is not None
    assert ridge.r2 is not None
    assert ridge.gain == pytest.approx(stack_r2 - ridge.r2)


def test_max_folds_gives_all_base_models_the_same_days(tmp_path: Path, market: pl.DataFrame) -> None:
    settings = {"max_folds": 2, "network_refit": 120, "stack": {"models": ("ridge", "lstm"), "min_rows": 60}}
    planned = plan(experiment(tmp_path, market, **settings))
    ridge, lstm = planned.bases
    assert (len(lstm.folds), len(ridge.folds)) == (2, 4)
    assert ridge.folds[0].test.start == pytest.approx(lstm.folds[0].test.start, abs=60)
    assert planned.folds[0].train.start == max(base.folds[0].test.start for base in planned.bases)


def test_a_backtest_of_the_stack_trades_its_forecasts(
    place: Path, market: pl.DataFrame, trained: Run
) -> None:
    planned = plan(experiment(place, market))
    found = planned.stored()
    assert found is not None
    traded = backtest(planned, found)
    assert traded.forecasts.equals(trained.forecasts)
    assert traded.evaluation.ledger.equals(trained.evaluation.ledger)
    assert [rival.name for rival in traded.evaluation.rivals] == [r.name for r in trained.evaluation.rivals]


# ---- the saved model ----


@pytest.mark.parametrize("model", ["stack", "ridge", "lgb"])
def test_the_saved_model_forecasts_what_it_would_have_in_memory(
    place: Path, market: pl.DataFrame, stored: StoredRun, trained: Run, model: str
) -> None:
    runs = RunsFolder(trained.folder.parent)
    own = stored if model == "stack" else runs.load(stored.record.bases[model])
    kept = model_of(own)
    planned = plan(experiment(place, market, model=model))
    material = planned.material
    rows = range(ROWS - 5, ROWS)
    forecast = kept.forecast(material.features, rows, material.last_returns)
    assert np.isfinite(forecast).all()
    # Later rows change nothing, and one row alone is forecast as in company.
    alone = [
        kept.forecast(material.features[: t + 1], range(t, t + 1), material.last_returns[: t + 1])
        for t in rows
    ]
    np.testing.assert_array_equal(forecast, np.concatenate(alone))
    if model == "stack":
        assert kept.meta is not None
        assert set(kept.parts) <= set(MODELS)
        each = [part.forecast(material.features, rows, material.last_returns) for part in kept.parts.values()]
        np.testing.assert_array_equal(forecast, kept.meta.predict(np.stack(each, axis=1)))


def test_the_model_for_use_learned_every_known_row_and_is_not_scored(
    trained: Run, market: pl.DataFrame
) -> None:
    runs = RunsFolder(trained.folder.parent)
    stored = runs.load(runs.load(trained.name).record.bases["ridge"])
    kept = model_of(stored).parts["ridge"]
    (member,) = kept.predictor.members
    labelled = ROWS - 2
    assert member.fit_rows.max() == labelled - 1  # its label is known at the open of the last row
    assert stored.forecasts()["day"].max() == market["day"][labelled - 1]
    assert stored.record.folds[-1].test_last == str(market["day"][labelled - 1])


def test_a_changed_model_is_refused(stored: StoredRun, tmp_path: Path) -> None:
    copy = tmp_path / stored.name
    shutil.copytree(stored.folder, copy)
    run_copy = RunsFolder(tmp_path).load(stored.name)
    model_of(run_copy)
    for path in sorted((copy / "model").iterdir()):
        content = path.read_bytes()
        for at in (0, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            with pytest.raises(DataError):
                model_of(run_copy)
        path.unlink()
        with pytest.raises(DataError):
            model_of(run_copy)
        path.write_bytes(content)
    (copy / "model" / "extra.py").write_text("print('never')")
    with pytest.raises(DataError):
        model_of(run_copy)


def rewritten(stored: StoredRun, tmp_path: Path, **changes: Any) -> StoredRun:
    """A copy whose manifest says something else and whose record agrees, as an owner could make it."""
    copy = tmp_path / stored.name
    shutil.copytree(stored.folder, copy)
    path = copy / "model" / "manifest.json"
    text = json.dumps({**json.loads(path.read_text()), **changes}).encode()
    path.write_bytes(text)
    facts = json.loads((copy / "run.json").read_text())
    facts["model_hash"] = hashlib.sha256(text).hexdigest()
    (copy / "run.json").write_text(json.dumps(facts))
    return RunsFolder(tmp_path).load(stored.name)


def test_a_newer_format_and_another_contract_are_refused(
    stored: StoredRun, tmp_path: Path, place: Path
) -> None:
    with pytest.raises(DataError, match="format 99 is newer"):
        model_of(rewritten(stored, tmp_path / "a", format=99))
    foreign = rewritten(stored, tmp_path / "b", feature_contract="0" * 64)
    with pytest.raises(DataError, match="not the feature contract of this version"):
        predict(foreign, RunsFolder(tmp_path / "b"))


# ---- tomorrow ----

HOLIDAYS = [dt.date(2003, 1, 20), dt.date(2003, 2, 17), dt.date(2003, 5, 26)]  # of New York


def written(data: Path, market: pl.DataFrame) -> None:
    columns = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    market.select(
        **{name: pl.col(column) for name, column in columns.items()},
        **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")},
    ).write_csv(data / "AAPL.csv")


@pytest.fixture
def folder(tmp_path: Path, market: pl.DataFrame) -> Path:
    """The market as a file, which `predict` reads anew."""
    data = tmp_path / "data"
    data.mkdir()
    written(data, market)
    return data


def evening(day: dt.date, hours: int = 23) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hours), dt.UTC)


def test_a_prediction_says_what_when_and_on_what_it_rests(
    trained: Run, stored: StoredRun, folder: Path, market: pl.DataFrame
) -> None:
    runs, last = RunsFolder(trained.folder.parent), market["day"][-1]
    made = predict(stored, runs, data=folder, now=evening(last))
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
    for word in (trained.name, "SUCCESS", str(made.entry_day), "90.0% interval", "not evaluated"):
        assert word in lines
    # The forecast is that of the saved model on the last row, from prices up to it.
    features = feature_matrix(market)
    kept = model_of(stored)
    close = np.log(market["close"].to_numpy())
    alone = kept.forecast(features, range(ROWS - 1, ROWS), np.diff(close, prepend=np.nan))
    assert made.forecast == pytest.approx(float(alone[0]), abs=1e-12)
    json.dumps(made.as_dict(), allow_nan=False, default=str)


def test_the_interval_lies_between_two_quantiles_of_earlier_errors_in_units_of_volatility(
    trained: Run, stored: StoredRun, folder: Path, market: pl.DataFrame
) -> None:
    close = market["close"].to_numpy()
    volatility = trailing_volatility(np.append(np.nan, close[1:] / close[:-1] - 1.0), HALFLIFE)
    rows = market["day"].search_sorted(trained.forecasts["day"]).to_numpy()
    forecast, outcome = (trained.forecasts[name].to_numpy() for name in ("forecast", "outcome"))
    plain = (outcome - forecast) / volatility[rows]
    known_on, days = (trained.forecasts[name].to_list() for name in ("known_on", "day"))

    def between(scores: np.ndarray, level: float) -> tuple[float, float] | None:
        place = int(np.floor(round((len(scores) + 1) * (1 - level) / 2, 9)))
        return (np.sort(scores)[place - 1], np.sort(scores)[-place]) if place else None

    for level in (0.8, 0.9):
        made = predict(stored, RunsFolder(trained.folder.parent), data=folder, level=level)
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
        assert "below" in made.lines()[1]
    with pytest.raises(SettingError, match="level must lie between"):
        predict(stored, RunsFolder(trained.folder.parent), data=folder, level=90)


def with_record(stored: StoredRun, tmp_path: Path, **changes: Any) -> StoredRun:
    """The same run, whose record says something else."""
    copy = tmp_path / stored.name
    shutil.copytree(stored.folder, copy, dirs_exist_ok=True)
    facts = json.loads((copy / "run.json").read_text())
    for table, values in changes.items():
        facts[table] |= values
    (copy / "run.json").write_text(json.dumps(facts))
    return RunsFolder(tmp_path).load(stored.name)


def test_the_weight_follows_the_trading_rule_of_the_run_and_its_costs(
    stored: StoredRun, folder: Path, tmp_path: Path
) -> None:
    runs = RunsFolder(tmp_path)
    trading = {**stored.record.config["trading"], "rule": "sign", "cost_bps": 0.0, "slippage_bps": 0.0}
    free = predict(with_record(stored, tmp_path, config={"trading": trading}), runs, data=folder)
    assert free.weight == np.sign(free.expected)
    dear = with_record(stored, tmp_path, config={"trading": {**trading, "cost_bps": 1e6}})
    assert predict(dear, runs, data=folder).weight == 0.0  # no forecast was ever worth a trade


def test_the_suggested_weight_is_the_one_that_the_ledger_of_these_forecasts_will_hold(
    trained: Run, stored: StoredRun, folder: Path, place: Path, market: pl.DataFrame
) -> None:
    """Two days later the outcome is known, and the backtest trades the day with the forecasts of then."""
    made = predict(stored, RunsFolder(trained.folder.parent), data=folder)
    last = market.row(-1, named=True)
    later = sessions(market_of("AAPL"), last["day"], last["day"] + dt.timedelta(days=10))
    assert later is not None
    bars = [
        {**last, **{name: last[name] * move for name in ("open", "high", "low", "close")}, "day": day}
        for day, move in zip(later[1:3], (1.01, 0.97), strict=True)
    ]
    extended = pl.concat([market, pl.DataFrame(bars, schema=market.schema)])
    material = plan(experiment(place, extended)).material
    kept, history = model_of(stored), stored.forecasts()
    sealed = stored.sealed()  # the rows up to the last one, whose outcome was not known to the run
    recent = kept.forecast(material.features, range(ROWS - 1, ROWS), material.last_returns)
    assert [*sealed["day"], market["day"][-1]] == market["day"].tail(sealed.height + 1).to_list()
    added = (
        history.tail(1)
        .clear(sealed.height + 1)
        .with_columns(
            day=market["day"].tail(sealed.height + 1),
            forecast=pl.concat([sealed["forecast"], pl.Series(recent)]),
            train_std=pl.concat([sealed["train_std"], pl.Series([kept.train_std])]),
        )
    )
    forecasts = pl.concat([history, added]).with_columns(pl.col("day").set_sorted())
    ledger = trade(forecasts, material, small())
    assert ledger["day"][-1] == made.day
    assert ledger["weight"][-1] == pytest.approx(made.weight, rel=1e-12)
    assert ledger["weight"].n_unique() > 20  # a rule that moves


def test_the_suggested_weight_knows_the_year_of_its_series(tmp_path: Path, market: pl.DataFrame) -> None:
    """By hand, for bars on every calendar day: a year has 365 rows, of forecasts and of volatility."""
    first = market["day"][0]
    market = market.with_columns(day=pl.Series([first + dt.timedelta(days=n) for n in range(ROWS)]))
    free = {**dict.fromkeys(("cost_bps", "slippage_bps"), 0.0), "rule": "proportional"}
    made = run(replace(experiment(tmp_path, market, "ridge", trading=free, min_train=200), symbol="BTC-USD"))
    stored = RunsFolder(made.folder.parent).load(made.name)
    written(tmp_path, market)
    (tmp_path / "AAPL.csv").rename(tmp_path / "BTC-USD.csv")
    found = predict(stored, RunsFolder(made.folder.parent), data=tmp_path)
    past = pl.concat([one.select("forecast", "train_std") for one in (stored.forecasts(), stored.sealed())])
    expected = np.expm1(past["forecast"].to_numpy() + past["train_std"].to_numpy() ** 2 / 2)
    expected = np.append(expected, found.expected)
    assert expected.size > 365
    close = market["close"].to_numpy()
    volatility = trailing_volatility(np.append(np.nan, close[1:] / close[:-1] - 1.0))[-1]
    usual = np.sqrt(np.mean(expected[-365:] ** 2))
    target = 0.2  # yearly, of the default risk
    assert abs(found.weight) < 0.99  # no cap
    assert found.weight == pytest.approx(found.expected / usual * target / (volatility * np.sqrt(365)))


def test_a_forecast_is_of_the_last_day_at_hand_whatever_was_locked(
    stored: StoredRun, folder: Path, tmp_path: Path, market: pl.DataFrame
) -> None:
    locked = with_record(stored, tmp_path, config={"lockbox": 100, "end": str(market["day"][700])})
    made = predict(locked, RunsFolder(tmp_path), data=folder)
    assert made.day == market["day"][-1]
    assert not {"LOCKBOX_OPEN", "FILL_CLOSE"} & {notice.code for notice in made.notices}


def test_a_context_that_is_not_at_hand_is_refused(stored: StoredRun, folder: Path, tmp_path: Path) -> None:
    data = {"context": {"volatility": "^VIX"}}
    with pytest.raises(DataError, match=r"learned with \^VIX volatility index, and none is at hand"):
        predict(with_record(stored, tmp_path, data=data), RunsFolder(tmp_path), data=folder)


def test_old_data_missing_days_and_an_old_model_are_said(
    trained: Run, stored: StoredRun, folder: Path, market: pl.DataFrame
) -> None:
    runs, last = RunsFolder(trained.folder.parent), market["day"][-1]
    late = last + dt.timedelta(days=14)
    made = predict(stored, runs, data=folder, now=evening(late))
    closed = sessions(market_of("AAPL"), last + dt.timedelta(days=1), late)
    assert closed is not None
    assert made.data_age == len(closed)
    (notice,) = [one for one in made.notices if one.code == "DATA_OLD"]
    assert str(last) in notice.text
    lines = (folder / "AAPL.csv").read_text().splitlines()
    gap = lines[-10].split(",")[0]
    (folder / "AAPL.csv").write_text("\n".join([*lines[:-10], *lines[-9:]]) + "\n")
    made = predict(stored, runs, data=folder, now=evening(last))
    assert gap in next(one.text for one in made.notices if one.code == "DAYS_MISSING")


def test_a_bar_of_a_session_that_has_not_ended_is_refused(
    trained: Run, stored: StoredRun, folder: Path, market: pl.DataFrame
) -> None:
    runs, last = RunsFolder(trained.folder.parent), market["day"][-1]
    closes = close_instant(market_of("AAPL"), last)
    early = dt.timedelta(minutes=1)
    with pytest.raises(DataError, match=rf"the last bar is of {last}, whose session .* UTC: run this after"):
        predict(stored, runs, data=folder, now=closes - early)
    with pytest.raises(DataError, match="whose session"):  # and so is a day of the future
        predict(stored, runs, data=folder, now=closes - dt.timedelta(days=30))
    made = predict(stored, runs, data=folder, now=closes)
    assert (made.day, made.data_age) == (last, 0)
    assert made.save_by is not None
    assert closes < made.save_by <= evening(made.entry_day)


def test_an_entry_that_has_passed_is_said(
    trained: Run, stored: StoredRun, folder: Path, market: pl.DataFrame
) -> None:
    runs, last = RunsFolder(trained.folder.parent), market["day"][-1]
    opens = open_instant(market_of("AAPL"), next_session(market_of("AAPL"), last))
    for now, expected in ((opens - dt.timedelta(minutes=1), False), (opens, True)):
        codes = {notice.code for notice in predict(stored, runs, data=folder, now=now).notices}
        assert ("ENTRY_PAST" in codes) is expected
    made = predict(stored, runs, data=folder, now=close_instant(market_of("AAPL"), opens.date()))
    assert made.data_age == 1
    (notice,) = [one for one in made.notices if one.code in ("DATA_OLD", "ENTRY_PAST")]
    assert "1 session has closed since: the entry of this forecast is past" in notice.text


def test_prices_of_something_else_are_said(
    trained: Run, stored: StoredRun, folder: Path, market: pl.DataFrame
) -> None:
    runs, last = RunsFolder(trained.folder.parent), market["day"][-1]

    def warned() -> bool:
        made = predict(stored, runs, data=folder, now=evening(last))
        return "PRICES_DIFFER" in {notice.code for notice in made.notices}

    assert not warned()
    names = ("open", "high", "low", "close")
    written(
        folder, market.with_columns(pl.col(name) * 0.7 for name in names)
    )  # a later dividend's adjustment
    assert not warned()
    written(folder, planted_market(ROWS, seed=99, r2=0.05).prices.with_columns(day=market["day"]))
    assert warned()


def test_a_series_that_does_not_keep_its_calendar_has_no_known_opening_hour(
    trained: Run, stored: StoredRun, folder: Path, market: pl.DataFrame
) -> None:
    """A share of another country, in a file that is called as one of New York's."""
    runs, last = RunsFolder(trained.folder.parent), market["day"][-1]
    days = sessions(market_of("AAPL"), last - dt.timedelta(days=2000), last)
    assert days is not None
    market = market.with_columns(day=pl.Series(days[-ROWS:]))  # without holidays, and with the same last day
    written(folder, market)
    own = predict(stored, runs, data=folder)
    assert own.save_by == open_instant(market_of("AAPL"), own.entry_day)
    bars = market.tail(3).with_columns(day=pl.Series(HOLIDAYS))
    flat = bars.with_columns(pl.col("close").alias(name) for name in ("open", "high", "low"))
    for more, known in ((flat, True), (bars.head(2), True), (bars, False)):
        written(folder, pl.concat([market, more]).sort("day"))
        made = predict(stored, runs, data=folder)
        assert (made.save_by == own.save_by) is known
    # No hour is known, so it is the first moment at which that Monday begins anywhere.
    assert made.save_by == dt.datetime(2003, 6, 15, 10, tzinfo=dt.UTC)


def test_a_position_that_is_kept_says_since_when_and_why(
    stored: StoredRun, folder: Path, tmp_path: Path
) -> None:
    """By hand: under a threshold just above the last expected return, the last day above it decides."""
    runs = RunsFolder(tmp_path)
    trading = {**stored.record.config["trading"], "rule": "sign", "cost_bps": 0.0, "slippage_bps": 0.0}
    free = predict(with_record(stored, tmp_path, config={"trading": trading}), runs, data=folder)
    assert free.chosen_on == free.day
    assert "the cost of a trade" not in "\n".join(free.lines())
    threshold_bps = abs(free.expected) * 1e4 * trading["holding_days"] * 1.01
    dear = with_record(stored, tmp_path, config={"trading": {**trading, "cost_bps": threshold_bps}})
    made = predict(dear, runs, data=folder)
    past = pl.concat(
        [stored.forecasts().select("day", "forecast"), stored.sealed().select("day", "forecast")]
    )
    std = np.append(stored.forecasts()["train_std"].to_numpy(), stored.sealed()["train_std"].to_numpy())
    expected = np.expm1(past["forecast"].to_numpy() + std**2 / 2)
    worth = np.flatnonzero(np.abs(expected) >= threshold_bps / 1e4 / trading["holding_days"])
    assert made.chosen_on == past["day"][int(worth[-1])]
    assert made.weight == np.sign(expected[worth[-1]])
    line = next(line for line in made.lines() if "Suggested weight" in line)
    assert f"kept from {made.chosen_on}, since this forecast does not pay the cost of a trade" in line
    never = with_record(stored, tmp_path, config={"trading": {**trading, "cost_bps": 1e5}})
    made = predict(never, runs, data=folder)
    assert (made.chosen_on, made.weight) == (None, 0.0)
    assert (
        "Suggested weight +0.00 of equity, after costs; no forecast so far pays the cost of a trade"
        in "".join(made.lines())
    )


def test_a_context_that_was_not_brought_up_to_date_is_said(
    tmp_path: Path, folder: Path, market: pl.DataFrame
) -> None:
    lines = (folder / "AAPL.csv").read_text().splitlines()
    (folder / "^GSPC.csv").write_text("\n".join(lines) + "\n")
    made = run(replace(experiment(tmp_path, market, "ridge"), prices=None, data=folder, context="^GSPC"))
    stored, last = RunsFolder(made.folder.parent).load(made.name), market["day"][-1]

    def warned(**kwargs: Any) -> list[str]:
        found = predict(stored, RunsFolder(made.folder.parent), data=folder, now=evening(last), **kwargs)
        return [notice.text for notice in found.notices if notice.code == "CONTEXT_OLD"]

    assert warned() == []
    (folder / "^GSPC.csv").write_text("\n".join(lines[:-6]) + "\n")
    (text,) = warned()
    closed = sessions(market_of("^GSPC"), market["day"][ROWS - 7] + dt.timedelta(days=1), last)
    assert closed is not None
    assert f"no bar after {market['day'][ROWS - 7]}, {len(closed)} sessions short" in text


def test_a_model_is_found_by_symbol_and_name(trained: Run) -> None:
    runs = RunsFolder(trained.folder.parent)
    assert find_model(runs, "AAPL", None).name == trained.name
    assert find_model(runs, "AAPL", "ridge").record.model == "ridge"
    with pytest.raises(DataError, match="geiger train catboost AAPL"):
        find_model(runs, "AAPL", "catboost")
    with pytest.raises(DataError, match="no saved model of MSFT"):
        find_model(runs, "MSFT", None)


# ---- again ----


def test_every_kind_of_run_is_repeated_to_the_bit(
    place: Path, market: pl.DataFrame, trained: Run, stored: StoredRun
) -> None:
    runs = RunsFolder(trained.folder.parent)
    done = replay(stored, runs)
    assert done.same
    assert done.changes == ()
    assert [one.what for one in done.comparisons] == [
        f"{name} forecasts{which}" for name in (*MODELS, "stack") for which in ("", " behind the scored days")
    ]
    assert all(one.rows > 100 for one in done.comparisons[::2])
    assert all(one.rows == 1 for one in done.comparisons[1::2])  # nothing is locked: the last row but one
    ridge = replay(runs.load(stored.record.bases["ridge"]), runs)
    assert ridge.same
    planned = plan(experiment(place, market))
    traded = backtest(planned, stored)
    again = replay(runs.load(traded.name), runs)
    assert again.same
    assert [one.what for one in again.comparisons] == ["ledger"]


def test_a_run_with_context_is_repeated_with_the_context_it_had(
    tmp_path: Path, folder: Path, market: pl.DataFrame
) -> None:
    text = (folder / "AAPL.csv").read_text()
    for name, step in (("^GSPC", 2), ("^VIX", 3)):  # other levels, moving otherwise
        lines = text.splitlines()
        cells = [line.split(",") for line in lines[1:]]
        moved = [
            [day, *(f"{float(v) * (1 + 0.01 * (i % step)):.6f}" for v in rest)]
            for i, (day, *rest) in enumerate(cells)
        ]
        (folder / f"{name}.csv").write_text("\n".join([lines[0], *map(",".join, moved)]) + "\n")
    made = run(
        replace(experiment(tmp_path, market, model="ridge"), prices=None, data=folder, context="^GSPC")
    )
    runs = RunsFolder(made.folder.parent)
    stored = runs.load(made.name)
    assert None not in astuple(stored.record.data.context)  # both, and the hash of each
    assert replay(stored, runs).same
    without = run(
        replace(experiment(tmp_path, market, model="ridge"), prices=None, data=folder, context="none")
    )
    assert not without.forecasts["forecast"].equals(made.forecasts["forecast"])  # it matters here


def test_a_replay_notices_what_differs(trained: Run, stored: StoredRun, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(trained.folder.parent, root)
    runs = RunsFolder(root)
    path = root / stored.record.bases["ridge"]
    frame = pl.read_parquet(path / "forecasts.parquet")
    moved = frame.with_columns(
        forecast=pl.when(pl.int_range(pl.len()) == 7)
        .then(pl.col("forecast") * (1 + 2e-16) + 1e-18)
        .otherwise("forecast")
    )
    moved.write_parquet(path / "forecasts.parquet")
    facts = json.loads((path / "run.json").read_text())
    facts["environment"]["versions"]["numpy"] = "1.0"
    facts["environment"]["threads"] = 99
    (path / "run.json").write_text(json.dumps(facts))
    own = runs.load(path.name)
    done = replay(own, runs)
    assert not done.same
    assert done.comparisons[0].identical == done.comparisons[0].rows - 1
    assert any("numpy: 1.0 then" in change for change in changes_since(own))
    assert any("threads: 99 then" in change for change in changes_since(own))


def test_a_run_whose_data_are_gone_says_so(trained: Run, stored: StoredRun, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    shutil.copytree(trained.folder.parent, root)
    shutil.rmtree(root / "snapshots")
    runs = RunsFolder(root)
    with pytest.raises(DataError, match="the data it used are gone"):
        replay(runs.load(stored.name), runs)


def test_a_users_own_estimator_is_not_kept_and_not_repeated(tmp_path: Path, market: pl.DataFrame) -> None:
    from sklearn.linear_model import LinearRegression

    made = run(replace(experiment(tmp_path, market, model="ridge"), estimator=LinearRegression()))
    runs = RunsFolder(made.folder.parent)
    assert not (made.folder / "model").exists()
    with pytest.raises(DataError, match="left no model to use"):
        model_of(runs.load(made.name))
    with pytest.raises(SettingError, match="estimator of your own"):
        replay(runs.load(made.name), runs)
