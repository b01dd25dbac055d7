"""The model for use learns the lock-box, of which a run tells doubts about prices and unscored forecasts."""

from __future__ import annotations

import ast
import datetime as dt
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.backtest.sizing import decide, trailing_volatility
from geiger.columns import SEALED
from geiger.experiment.cut import use_folds
from geiger.experiment.estimate import expected_seconds
from geiger.experiment.evaluation import expected_simple, sizing_of
from geiger.experiment.plan import Experiment, WalkPlan, plan
from geiger.experiment.replay import replay
from geiger.experiment.run import run
from geiger.experiment.walk import walk
from geiger.experiment.written import Run
from geiger.learning.folds import walk_forward
from geiger.market.synthetic import planted_market
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.runs.parts import Parts
from geiger.runs.saved import SavedModel, model_of
from geiger.settings import Config, override, recipe
from geiger.tomorrow.prediction import predict

ROWS, LOCKED, REFIT = 900, 130, 60
SOURCE = Path(__file__).parents[2] / "src" / "geiger"


def small(**changes: Any) -> Config:
    base: dict[str, Any] = {
        **{"lockbox": LOCKED, "min_train": 300, "refit": REFIT, "max_folds": None, "seeds": 2},
        **{name: {"max_trees": 8} for name in ("xgb", "lgb", "catboost")},
        "stack": {"models": ("ridge", "lgb"), "min_rows": 100},
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


def stored_of(made: Run) -> StoredRun:
    return RunsFolder(made.folder.parent).load(made.name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame) -> Run:
    return run(experiment(tmp_path_factory.mktemp("for_use"), market))


def runs_of(made: Run) -> list[StoredRun]:
    """The run and those of its base models, by model."""
    folder, own = RunsFolder(made.folder.parent), stored_of(made)
    return [own, *(folder.load(name) for name in own.record.bases.values())]


@pytest.fixture(scope="module")
def other(
    tmp_path_factory: pytest.TempPathFactory, market: pl.DataFrame, other_future: Callable[..., pl.DataFrame]
) -> Run:
    """The same run on a market whose lock-box holds wildly other prices."""
    return run(experiment(tmp_path_factory.mktemp("other"), other_future(market, ROWS - LOCKED - 1)))


# ---- what the lock-box may not touch ----


def plain(path: Path) -> str:
    """A text without what names the run, the hash of all prices, and doubts about the file as a whole."""
    text = path.read_text()
    if path.name == "run.json":
        facts = json.loads(text)
        facts["warnings"] = [one for one in facts["warnings"] if not one["code"].startswith("DATA_")]
        text = json.dumps(facts, indent=2)
    else:
        text = re.sub(r'^(DATA_|.*"code": ?"DATA_).*\n', "", text, flags=re.M)
    text = re.sub(r"\d{8}_\d{6}|[0-9a-f]{12,64}", "#", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]+|\d\d:\d\d:\d\d", "#", text)
    return re.sub(r'"seconds": [\d.]+|/[^"]*/(for_use|other)\d+/', "#", text)


def test_other_prices_in_the_lock_box_change_no_file_but_the_model_and_the_sealed_forecasts(
    trained: Run, other: Run
) -> None:
    for one, two in zip(runs_of(trained), runs_of(other), strict=True):
        names = sorted(path.name for path in one.folder.iterdir() if path.name != "model")
        assert names == sorted(path.name for path in two.folder.iterdir() if path.name != "model")
        for name in names:
            a, b = one.folder / name, two.folder / name
            if name == "sealed.parquet":
                assert not pl.read_parquet(a).equals(pl.read_parquet(b))
            elif name == "run.json":
                assert plain(a) == plain(b)
            else:
                assert a.read_bytes() == b.read_bytes(), name
        if one.record.model != "stack":
            assert one.record.model_hash != two.record.model_hash
    for kind in ("log", "jsonl"):
        ours, theirs = (
            sorted((made.folder.parents[1] / "logs").glob(f"*.{kind}")) for made in (trained, other)
        )
        assert len(ours) == len(theirs) == 3
        for a, b in zip(ours, theirs, strict=True):
            assert plain(a) == plain(b)


def test_a_doubt_about_a_locked_price_is_said_and_changes_nothing_else(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    at = ROWS - 40
    high = pl.when(pl.int_range(pl.len()) == at).then(pl.col("high") * 100).otherwise(pl.col("high"))
    doubtful = market.with_columns(high.alias("high"))
    ours, theirs = (
        stored_of(run(experiment(tmp_path / name, prices, "ridge")))
        for name, prices in (("plain", market), ("doubtful", doubtful))
    )
    said = [one for one in theirs.record.warnings if one not in ours.record.warnings]
    assert [one.code for one in said] == ["DATA_SPIKE"]
    assert str(market["day"][at]) in said[0].text
    assert ours.record.results == theirs.record.results
    for name in ("forecasts", "ledger", "members", "in_sample"):
        a, b = (one.folder / f"{name}.parquet" for one in (ours, theirs))
        assert a.read_bytes() == b.read_bytes()
    before = pl.col("day") < market["day"][at]
    assert ours.sealed().filter(before).equals(theirs.sealed().filter(before))


def test_no_record_holds_an_outcome_of_the_lock_box(trained: Run, market: pl.DataFrame) -> None:
    opened = market["day"][ROWS - LOCKED]
    locked = [str(day) for day in market["day"][ROWS - LOCKED + 1 :]]
    for one in runs_of(trained):
        for path in one.folder.glob("*.parquet"):
            frame = pl.read_parquet(path)
            if path.name == "sealed.parquet":
                assert frame.columns == ["day", "fold", "forecast", "train_std"] == list(SEALED.columns)
                continue
            days = [name for name, kind in frame.schema.items() if kind == pl.Date]
            assert all((frame[name] < opened).all() for name in days), path.name
        text = (one.folder / "run.json").read_text()
        assert not [day for day in locked if day in text]
        log = Path(one.record.log).read_text()
        assert not [day for day in locked if day in log]


def test_development_rows_have_the_same_features_with_and_without_what_comes_after(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    material = experiment(tmp_path, market).material()
    cut = ROWS - LOCKED
    assert material.prices.height == cut
    assert material.whole.prices.height == ROWS
    assert material.beyond is not None
    np.testing.assert_array_equal(material.features, material.whole.features[:cut])
    labelled = material.labelled
    assert material.target.head(labelled).equals(material.whole.target.head(labelled))
    assert experiment(tmp_path, market, lockbox=0).material().beyond is None
    early = experiment(tmp_path, market, end=str(market["day"][cut - 50])).material()
    assert early.whole is early  # --end comes before what is locked: the model for use ends there, too
    late = experiment(tmp_path, market, end=str(market["day"][cut + 50])).material()
    assert (late.prices.height, late.whole.prices.height) == (cut, cut + 51)


def test_only_what_makes_the_model_for_use_reads_the_rows_beyond() -> None:
    readers = set()
    for path in SOURCE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}  # `State.whole` is a method
        for node in nodes:
            if isinstance(node, ast.Attribute) and node.attr == "whole" and id(node) not in called:
                readers.add(str(path.relative_to(SOURCE)))
    names = ("folds", "stack_tables", "walk", "written")
    assert readers == {str(Path("experiment", f"{name}.py")) for name in names}


# ---- what it learns ----


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("locked", [0, LOCKED])
def test_it_learns_what_a_walk_forward_fold_that_starts_on_the_last_row_would(
    tmp_path: Path, market: pl.DataFrame, fill: str, locked: int
) -> None:
    made = run(experiment(tmp_path, market, "ridge", fill=fill, lockbox=locked))
    kept, planned = model_of(stored_of(made)), plan(experiment(tmp_path, market, "ridge", fill=fill))
    (member,) = kept.parts["ridge"].predictor.members
    # Folds of one row each: the one of the last row, cut by the rule of all other folds.
    fold = walk_forward(
        planned.material.warmup,
        ROWS,
        min_train=300,
        refit=1,
        valid_share=planned.experiment.config.valid_share,
    )[-1]
    assert fold.test == range(ROWS - 1, ROWS)
    assert member.fit_rows.tolist() == [*fold.train, *fold.valid]
    assert kept.facts["learned_to"] == str(market["day"][int(member.fit_rows[-1])])
    assert kept.facts["decided_on"] == str(market["day"][ROWS - 1])
    # By hand: the label of row t is known at the open of t + 2, in time for the close of that day.
    assert member.fit_rows[-1] == ROWS - 3


def test_the_sealed_forecasts_go_on_where_the_scored_ones_end(trained: Run, market: pl.DataFrame) -> None:
    scored, dev = trained.forecasts, ROWS - LOCKED
    for one in runs_of(trained):
        sealed = one.sealed()
        assert scored["day"][-1] == market["day"][dev - 3]
        assert sealed["day"].to_list() == market["day"][dev - 2 : ROWS - 1].to_list()
        last = one.forecasts()["fold"][-1]
        blocks = sealed.group_by("fold", maintain_order=True).len()["len"].to_list()
        if one.record.model == "stack":
            assert blocks == [1, LOCKED]
        else:
            assert blocks == [1, REFIT, REFIT, LOCKED - 2 * REFIT]
        assert sealed["fold"].unique().to_list() == list(range(last, last + len(blocks)))


def test_sealed_forecasts_know_nothing_later(
    tmp_path: Path, market: pl.DataFrame, trained: Run, other_future: Callable[..., pl.DataFrame]
) -> None:
    dev = ROWS - LOCKED
    for cut in (dev - 1, dev - 1 + REFIT - 1, dev - 1 + REFIT, dev + 100):
        again = run(experiment(tmp_path / str(cut), other_future(market, cut)))
        for one, two in zip(runs_of(trained), runs_of(again), strict=True):
            until = pl.col("day") <= market["day"][cut]
            assert one.sealed().filter(until).equals(two.sealed().filter(until))
            assert not one.sealed().equals(two.sealed())


def test_the_first_sealed_forecast_of_a_block_is_that_of_a_model_made_on_that_day(
    tmp_path: Path, market: pl.DataFrame, trained: Run
) -> None:
    start = ROWS - LOCKED - 1 + REFIT
    cut = market.head(start + 1)  # a run that ends there, with nothing locked
    kept = model_of(stored_of(run(experiment(tmp_path, cut, "ridge", lockbox=0))))
    material = plan(experiment(tmp_path, cut, "ridge", lockbox=0)).material
    alone = kept.forecast(material.features, range(start, start + 1), material.last_returns)[0]
    ridge = next(one for one in runs_of(trained) if one.record.model == "ridge")
    sealed = ridge.sealed().filter(pl.col("day") == market["day"][start])["forecast"][0]
    assert alone == pytest.approx(sealed, rel=1e-9)


def test_a_stack_weighs_sealed_forecasts_by_what_development_rows_said(
    trained: Run, market: pl.DataFrame
) -> None:
    own, *bases = runs_of(trained)
    weights = pl.read_parquet(own.folder / "weights.parquet")
    final = weights.filter(pl.col("fold") == weights["fold"].max())
    assert final["day"][0] == market["day"][ROWS - LOCKED - 1]  # the last day that is not locked
    rows = own.sealed().filter(pl.col("fold") == weights["fold"].max())
    total = np.zeros(rows.height)
    for base in bases:
        weight = final.filter(pl.col("model") == base.record.model)["weight"][0]
        forecast = rows.select("day").join(base.sealed(), on="day", maintain_order="left")["forecast"]
        total += weight * forecast.to_numpy()  # weights that sum to one need no scaling
    np.testing.assert_allclose(rows["forecast"].to_numpy(), total, rtol=0, atol=1e-15)


# ---- using it ----


@pytest.fixture
def folder(tmp_path: Path, market: pl.DataFrame) -> Path:
    data = tmp_path / "data"
    data.mkdir()
    write(data, market)
    return data


def write(data: Path, market: pl.DataFrame) -> None:
    columns = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    market.select(
        **{name: pl.col(column) for name, column in columns.items()},
        **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")},
    ).write_csv(data / "AAPL.csv")


def test_a_fresh_model_is_not_called_old_and_sizes_by_every_forecast_so_far(
    trained: Run, folder: Path, market: pl.DataFrame
) -> None:
    stored, runs = stored_of(trained), RunsFolder(trained.folder.parent)
    made = predict(stored, runs, data=folder, now=at(market["day"][-1]))
    assert made.model_age == 2  # the last two rows have no known label
    assert "MODEL_OLD" not in {notice.code for notice in made.notices}
    # By hand: what was scored, what was sealed, and the last row.
    past = pl.concat(
        [stored.forecasts().select("day", "forecast", "train_std"), stored.sealed().drop("fold")]
    )
    assert past["day"].to_list() == market["day"][-past.height - 1 : -1].to_list()
    kept: SavedModel = model_of(stored)
    forecasts = np.append(past["forecast"].to_numpy(), made.forecast)
    std = np.append(past["train_std"].to_numpy(), kept.train_std)
    close = market["close"].to_numpy()
    volatility = trailing_volatility(np.append(np.nan, close[1:] / close[:-1] - 1.0))[-len(forecasts) :]
    expected = expected_simple(forecasts, std, small())
    assert made.weight == pytest.approx(decide(expected, volatility, sizing_of(small(), 252))[-1], abs=1e-9)


def test_an_old_model_says_how_old_it_is(tmp_path: Path, folder: Path, market: pl.DataFrame) -> None:
    until = ROWS - 254
    made = run(experiment(tmp_path, market, "ridge", lockbox=0, end=str(market["day"][until])))
    runs = RunsFolder(made.folder.parent)
    found = predict(stored_of(made), runs, data=folder, now=at(market["day"][-1]))
    (notice,) = [one for one in found.notices if one.code == "MODEL_OLD"]
    assert found.model_age == 255
    assert str(market["day"][until - 2]) in notice.text
    assert "255 bars" in notice.text


def at(day: dt.date, hour: int = 23) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


def test_a_killed_run_goes_on_over_the_lock_box_with_what_it_has(
    tmp_path: Path, market: pl.DataFrame, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        pass

    work = experiment(tmp_path, market, "ridge")
    folds = len(plan(work).folds)
    real = Parts.save

    def save(self: Parts, fold: int, part: Any) -> None:
        real(self, fold, part)
        if fold == folds + 1:  # the second block behind the scored ones
            raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "save", save)
        with pytest.raises(PowerCut):
            run(work)
    import geiger.experiment.workers

    trainings: list[int] = []
    train = geiger.experiment.workers.train_fold
    monkeypatch.setattr(
        geiger.experiment.workers,
        "train_fold",
        lambda m, f, c, task: trainings.append(task.fold.index) or train(m, f, c, task),
    )
    again = stored_of(run(work))
    assert trainings == [folds + 2, folds + 3]
    ridge = next(one for one in runs_of(trained) if one.record.model == "ridge")
    assert again.sealed().equals(ridge.sealed())
    assert again.forecasts().equals(ridge.forecasts())


def test_a_study_trains_no_fold_that_it_does_not_score(tmp_path: Path, market: pl.DataFrame) -> None:
    planned = plan(experiment(tmp_path, market, "ridge"))
    assert isinstance(planned, WalkPlan)
    done = walk(planned.material, "ridge", planned.forecaster, planned.experiment.config, planned.folds)
    assert done.sealed is None
    assert done.trained is None
    assert "sealed" not in done.frames


def test_sealed_forecasts_are_repeated_to_the_bit(trained: Run) -> None:
    done = replay(stored_of(trained), RunsFolder(trained.folder.parent))
    assert done.same
    assert {one.rows for one in done.comparisons if "behind" in one.what} == {LOCKED + 1}


def test_prices_that_end_before_the_decision_of_the_model_are_refused(
    trained: Run, folder: Path, market: pl.DataFrame
) -> None:
    write(folder, market.head(ROWS - 1))  # one bar less: its label is among what was learned
    with pytest.raises(Exception, match="learned what was known on"):
        predict(stored_of(trained), RunsFolder(trained.folder.parent), data=folder, now=at(market["day"][-1]))


def test_the_time_estimate_counts_the_folds_that_are_not_scored(tmp_path: Path, market: pl.DataFrame) -> None:
    """A network knows its time by its rows: every fold behind the scored ones adds its own."""
    planned = plan(experiment(tmp_path, market, "lstm", workers=1))
    material, config, folds = planned.material, planned.experiment.config, planned.folds
    assert isinstance(planned, WalkPlan)
    alone = expected_seconds(material, planned.forecaster, config, folds)
    more = expected_seconds(material, planned.forecaster, config, folds, for_use=True)
    ahead = use_folds(material, config, folds)
    assert len(ahead) == 1 + -(-LOCKED // config.refit)
    each = [planned.forecaster.expected_seconds(len(fold.train)) or 0.0 for fold in ahead]
    assert more - alone == pytest.approx(config.seeds * sum(each))
    assert min(each) > 0.0


@pytest.mark.slow
def test_a_network_goes_on_over_the_lock_box_in_processes_and_in_one_program(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    network = {"lookback": 12, "burn_in": 5, "epochs": 2, "width": 8, "lstm": (4,), "key": 4, "inner": 8}
    changes = {"network_refit": 200, "refit": 200, "seeds": 1, "workers": 2, "lstm": network}
    apart, together = (
        stored_of(run(experiment(tmp_path / kind, market, "lstm", parallel=kind, **changes)))
        for kind in ("processes", "vmap")
    )
    one, two = apart.sealed(), together.sealed()
    assert one["day"].to_list() == two["day"].to_list() == market["day"][ROWS - LOCKED - 2 : -1].to_list()
    scale = float(one["forecast"].std())  # type: ignore[arg-type]
    np.testing.assert_allclose(one["forecast"], two["forecast"], atol=1e-3 * scale)
