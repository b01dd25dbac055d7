"""The stack from prices to a saved model: what a run may know, keep, use tomorrow and repeat."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import geiger.experiment.plan
from geiger.errors import TrainingError
from geiger.experiment.evaluation import evaluate
from geiger.experiment.plan import plan
from geiger.experiment.run import backtest, run, run_bases
from geiger.experiment.written import Run
from geiger.records import Status
from geiger.runlog import read_log
from geiger.runs.folder import RunsFolder, StoredRun
from helpers.runs import stack_experiment


def test_a_stack_trains_its_base_models_and_ends_with_a_complete_log(
    stack_run: Run, stack_place: Path
) -> None:
    assert stack_run.status is Status.SUCCESS
    names = sorted(path.name.split("_2")[0] for path in (stack_place / "logs").glob("*.log"))
    logs = [name for name in names if name != "AAPL_backtest"]  # of other tests
    assert logs == ["AAPL_gbm_lgb", "AAPL_gbm_xgb", "AAPL_ridge", "AAPL_stack"]
    assert stack_run.log is not None
    text = stack_run.log.read_text(encoding="utf-8")
    log = read_log(stack_run.log)
    assert log.status is Status.SUCCESS
    assert not log.unread
    assert log.epochs == ()
    assert len(log.folds) == len(stack_run.forecasts["fold"].unique())
    for name in ("equal weights", "best single of the past", "ridge"):
        assert f"Note: Rival {name}: correlation" in text
    assert "Note: Weights from" in text
    assert "Note: Weights for use" in text
    assert "Meta-learner: nnls, standardised units" in text


def test_base_models_that_are_there_are_not_trained_again(
    stack_place: Path, planted: pl.DataFrame, stack_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **kwargs: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(geiger.experiment.plan, "walk", never)
    planned = plan(stack_experiment(stack_place, planted))
    assert all(base.stored for base in run_bases(planned))
    assert planned.stored() is not None
    assert planned.minutes() == 0.0


def test_the_stack_really_uses_the_forecasts_of_its_runs(stack_run: Run, stack_stored: StoredRun) -> None:
    runs = RunsFolder(stack_run.folder.parent)
    store = pl.read_parquet(stack_run.folder / "out_of_fold.parquet")
    for model, name in stack_stored.record.bases.items():
        own = runs.load(name)
        rows = store.filter(pl.col("model") == model).sort("seed", "day")
        members = own.members().sort("seed", "day")
        assert rows["forecast"].equals(members["forecast"], null_equal=True)
    fold = stack_run.forecasts["fold"][0]
    weights = pl.read_parquet(stack_run.folder / "weights.parquet").filter(pl.col("fold") == fold)
    assert weights["weight"].max() > 0.0
    # By hand: scaled by the rows before, weighed, and back.
    block = stack_run.forecasts.filter(pl.col("fold") == fold)
    before = pl.read_parquet(stack_run.folder / "in_sample.parquet").filter(pl.col("fold") == fold)
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


@pytest.mark.parametrize(
    ("block", "shift"),
    [
        ("middle", 0),
        *(pytest.param(*at, marks=pytest.mark.slow) for at in (("first", 0), ("middle", -1), ("middle", 1))),
    ],
)
def test_another_future_changes_no_forecast_before_it(
    tmp_path: Path,
    planted: pl.DataFrame,
    stack_run: Run,
    other_future: Callable[..., pl.DataFrame],
    block: str,
    shift: int,
) -> None:
    blocks = stack_run.forecasts.group_by("fold", maintain_order=True).agg(pl.col("day").first())
    day = blocks["day"][0 if block == "first" else len(blocks) // 2]
    cut = int(planted["day"].search_sorted(day)) + shift
    again = run(stack_experiment(tmp_path, other_future(planted, cut)))
    upto = planted["day"][cut]
    old, new = (frame.filter(pl.col("day") <= upto) for frame in (stack_run.forecasts, again.forecasts))
    assert old.height == new.height
    assert old.drop("outcome", "known_on").equals(new.drop("outcome", "known_on"))
    assert not stack_run.forecasts["forecast"].equals(again.forecasts["forecast"])


@pytest.mark.slow
def test_another_future_changes_no_forecast_before_it_with_a_network_and_ordered_trees(
    tmp_path: Path, planted: pl.DataFrame, other_future: Callable[..., pl.DataFrame]
) -> None:
    network = {"lookback": 20, "burn_in": 5, "epochs": 2, "width": 8, "lstm": (4,), "key": 4, "inner": 8}
    settings = {
        **{"refit": 150, "seeds": 1, "workers": 1, "lstm": network},
        "stack": {"models": ("lstm", "catboost"), "min_rows": 120, "meta": "simplex"},
    }
    one = run(stack_experiment(tmp_path / "one", planted, **settings))
    cut = int(planted["day"].search_sorted(one.forecasts["day"][len(one.forecasts) // 2]))
    two = run(stack_experiment(tmp_path / "two", other_future(planted, cut), **settings))
    old, new = (done.forecasts.filter(pl.col("day") <= planted["day"][cut]) for done in (one, two))
    assert old.height == new.height > 50
    assert old.drop("outcome", "known_on").equals(new.drop("outcome", "known_on"))
    weights = pl.read_parquet(one.folder / "weights.parquet")
    assert dict(weights.group_by("model").agg(pl.col("weight").max()).iter_rows())["lstm"] > 0.0


def test_a_failing_base_model_is_left_out_and_said(
    tmp_path: Path, planted: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = geiger.experiment.plan.walk

    def breaking(material: Any, model: str, *args: Any, **kwargs: Any) -> Any:
        if model == "xgb":
            raise TrainingError("xgb: out of luck")
        return real(material, model, *args, **kwargs)

    monkeypatch.setattr(geiger.experiment.plan, "walk", breaking)
    made = run(stack_experiment(tmp_path, planted))
    assert made.status is Status.SUCCESS
    (notice,) = [one for one in made.notices if one.code == "STACK_LEFT_OUT"]
    assert "xgb could not be trained and is left out: xgb: out of luck" in notice.text
    assert set(pl.read_parquet(made.folder / "weights.parquet")["model"]) == {"ridge", "lgb"}
    assert "STACK_LEFT_OUT" in made.log.read_text(encoding="utf-8") if made.log else False


def test_without_any_base_model_the_log_ends_as_failed(
    tmp_path: Path, planted: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*args: Any, **kwargs: Any) -> Any:
        raise TrainingError("no luck")

    monkeypatch.setattr(geiger.experiment.plan, "walk", breaking)
    with pytest.raises(TrainingError, match="no base model has forecasts"):
        run(stack_experiment(tmp_path, planted))
    (log,) = (tmp_path / "logs").glob("AAPL_stack_*.log")
    assert read_log(log).status is Status.FAILED


def test_rivals_are_measured_as_the_run_that_trades_them_would_be(
    stack_place: Path, planted: pl.DataFrame, stack_run: Run, stack_stored: StoredRun
) -> None:
    rivals = {rival.name: rival for rival in stack_run.evaluation.rivals}
    own = RunsFolder(stack_run.folder.parent).load(stack_stored.record.bases["ridge"]).forecasts()
    days = stack_run.forecasts.select("day")
    forecast = days.join(own, on="day", maintain_order="left")["forecast"]
    swapped = stack_run.forecasts.with_columns(forecast=forecast)
    planned = plan(stack_experiment(stack_place, planted))
    alone = evaluate(swapped, stack_stored.in_sample(), planned.material, planned.experiment.config)
    figures = {figure.name: figure.value for figure in alone.figures}
    ridge = rivals["ridge"]
    assert ridge.sharpe == pytest.approx(alone.scorecard.value("sharpe"))
    assert ridge.accuracy == pytest.approx(figures["Direction Accuracy"])
    assert ridge.r2 == pytest.approx(figures["R2 out of Sample"])
    stack_r2 = {figure.name: figure.value for figure in stack_run.evaluation.figures}["R2 out of Sample"]
    assert stack_r2 is not None
    assert ridge.r2 is not None
    assert ridge.gain == pytest.approx(stack_r2 - ridge.r2)


def test_a_backtest_of_the_stack_trades_its_forecasts(
    stack_place: Path, planted: pl.DataFrame, stack_run: Run
) -> None:
    planned = plan(stack_experiment(stack_place, planted))
    found = planned.stored()
    assert found is not None
    traded = backtest(planned, found)
    assert traded.forecasts.equals(stack_run.forecasts)
    assert traded.evaluation.ledger.equals(stack_run.evaluation.ledger)
    assert [rival.name for rival in traded.evaluation.rivals] == [r.name for r in stack_run.evaluation.rivals]
