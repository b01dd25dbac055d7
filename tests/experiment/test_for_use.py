"""The model for use learns the lock-box, of which a run tells doubts about prices and unscored forecasts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.columns import SEALED
from geiger.experiment.plan import plan
from geiger.experiment.run import run
from geiger.experiment.written import Run
from geiger.learning.folds import walk_forward
from geiger.runs.saved import model_of
from helpers.runs import LOCKED, ROWS, locked_experiment, runs_of, stored_of

REFIT = 60


@pytest.fixture(scope="module")
def other(
    tmp_path_factory: pytest.TempPathFactory, planted: pl.DataFrame, other_future: Callable[..., pl.DataFrame]
) -> Run:
    """The same run on a market whose lock-box holds wildly other prices."""
    return run(locked_experiment(tmp_path_factory.mktemp("other"), other_future(planted, ROWS - LOCKED - 1)))


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
    locked_run: Run, other: Run
) -> None:
    for one, two in zip(runs_of(locked_run), runs_of(other), strict=True):
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
            sorted((made.folder.parents[1] / "logs").glob(f"*.{kind}")) for made in (locked_run, other)
        )
        assert len(ours) == len(theirs) == 3
        for a, b in zip(ours, theirs, strict=True):
            assert plain(a) == plain(b)


def test_a_doubt_about_a_locked_price_is_said_and_changes_nothing_else(
    tmp_path: Path, planted: pl.DataFrame
) -> None:
    row = ROWS - 40
    high = pl.when(pl.int_range(pl.len()) == row).then(pl.col("high") * 100).otherwise(pl.col("high"))
    doubtful = planted.with_columns(high.alias("high"))
    ours, theirs = (
        stored_of(run(locked_experiment(tmp_path / name, prices, "ridge")))
        for name, prices in (("plain", planted), ("doubtful", doubtful))
    )
    said = [one for one in theirs.record.warnings if one not in ours.record.warnings]
    assert [one.code for one in said] == ["DATA_SPIKE"]
    assert str(planted["day"][row]) in said[0].text
    assert ours.record.results == theirs.record.results
    for name in ("forecasts", "ledger", "members", "in_sample"):
        a, b = (one.folder / f"{name}.parquet" for one in (ours, theirs))
        assert a.read_bytes() == b.read_bytes()
    before = pl.col("day") < planted["day"][row]
    assert ours.sealed().filter(before).equals(theirs.sealed().filter(before))


def test_no_record_holds_an_outcome_of_the_lock_box(locked_run: Run, planted: pl.DataFrame) -> None:
    opened = planted["day"][ROWS - LOCKED]
    locked = [str(day) for day in planted["day"][ROWS - LOCKED + 1 :]]
    for one in runs_of(locked_run):
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


# ---- what it learns ----


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("locked", [0, LOCKED])
def test_it_learns_what_a_walk_forward_fold_that_starts_on_the_last_row_would(
    tmp_path: Path, planted: pl.DataFrame, fill: str, locked: int
) -> None:
    made = run(locked_experiment(tmp_path, planted, "ridge", fill=fill, lockbox=locked))
    kept, planned = model_of(stored_of(made)), plan(locked_experiment(tmp_path, planted, "ridge", fill=fill))
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
    assert kept.facts["learned_to"] == str(planted["day"][int(member.fit_rows[-1])])
    assert kept.facts["decided_on"] == str(planted["day"][ROWS - 1])
    # By hand: the label of row t is known at the open of t + 2, in time for the close of that day.
    assert member.fit_rows[-1] == ROWS - 3


def test_the_sealed_forecasts_go_on_where_the_scored_ones_end(locked_run: Run, planted: pl.DataFrame) -> None:
    scored, dev = locked_run.forecasts, ROWS - LOCKED
    for one in runs_of(locked_run):
        sealed = one.sealed()
        assert scored["day"][-1] == planted["day"][dev - 3]
        assert sealed["day"].to_list() == planted["day"][dev - 2 : ROWS - 1].to_list()
        last = one.forecasts()["fold"][-1]
        blocks = sealed.group_by("fold", maintain_order=True).len()["len"].to_list()
        if one.record.model == "stack":
            assert blocks == [1, LOCKED]
        else:
            assert blocks == [1, REFIT, REFIT, LOCKED - 2 * REFIT]
        assert sealed["fold"].unique().to_list() == list(range(last, last + len(blocks)))


@pytest.mark.parametrize(
    "locked_rows",  # known before the future is another one
    [REFIT - 1, *(pytest.param(rows, marks=pytest.mark.slow) for rows in (-1, REFIT - 2, 100))],
)
def test_sealed_forecasts_know_nothing_later(
    tmp_path: Path,
    planted: pl.DataFrame,
    locked_run: Run,
    other_future: Callable[..., pl.DataFrame],
    locked_rows: int,
) -> None:
    cut = ROWS - LOCKED + locked_rows
    again = run(locked_experiment(tmp_path, other_future(planted, cut)))
    for one, two in zip(runs_of(locked_run), runs_of(again), strict=True):
        until = pl.col("day") <= planted["day"][cut]
        assert one.sealed().filter(until).equals(two.sealed().filter(until))
        assert not one.sealed().equals(two.sealed())


def test_the_first_sealed_forecast_of_a_block_is_that_of_a_model_made_on_that_day(
    tmp_path: Path, planted: pl.DataFrame, locked_run: Run
) -> None:
    start = ROWS - LOCKED - 1 + REFIT
    cut = planted.head(start + 1)  # a run that ends there, with nothing locked
    kept = model_of(stored_of(run(locked_experiment(tmp_path, cut, "ridge", lockbox=0))))
    material = plan(locked_experiment(tmp_path, cut, "ridge", lockbox=0)).material
    alone = kept.forecast(material.features, range(start, start + 1), material.last_returns)[0]
    ridge = next(one for one in runs_of(locked_run) if one.record.model == "ridge")
    sealed = ridge.sealed().filter(pl.col("day") == planted["day"][start])["forecast"][0]
    assert alone == pytest.approx(sealed, rel=1e-9)


def test_a_stack_weighs_sealed_forecasts_by_what_development_rows_said(
    locked_run: Run, planted: pl.DataFrame
) -> None:
    own, *bases = runs_of(locked_run)
    weights = pl.read_parquet(own.folder / "weights.parquet")
    final = weights.filter(pl.col("fold") == weights["fold"].max())
    assert final["day"][0] == planted["day"][ROWS - LOCKED - 1]  # the last day that is not locked
    rows = own.sealed().filter(pl.col("fold") == weights["fold"].max())
    total = np.zeros(rows.height)
    for base in bases:
        weight = final.filter(pl.col("model") == base.record.model)["weight"][0]
        forecast = rows.select("day").join(base.sealed(), on="day", maintain_order="left")["forecast"]
        total += weight * forecast.to_numpy()  # weights that sum to one need no scaling
    np.testing.assert_allclose(rows["forecast"].to_numpy(), total, rtol=0, atol=1e-15)
