"""What a user brings to a run: named, hashed, trained with, repeated, and never run unasked."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.errors import DataError, SettingError
from geiger.experiment.own import own_estimator, own_features, own_target
from geiger.experiment.past_material import material_of_run
from geiger.experiment.plan import Experiment, plan
from geiger.experiment.replay import replay
from geiger.experiment.run import backtest, run
from geiger.experiment.written import Run
from geiger.market.synthetic import garch_market
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.settings import Config
from helpers.runs import LOCKED, Constant, experiment, small, stored_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_feature.py"
CODE = """\
from pathlib import Path

def gap(bars):
    Path(__file__ + ".ran").touch()
    return (bars["close"] / bars["close"].shift(20)).log()

def other(bars):
    return (bars["close"] / bars["close"].shift(5)).log()

def clipped(bars):
    opens = bars["open"]
    return (opens.shift(-2) / opens.shift(-1)).log().clip(-0.02, 0.02)

class Mean:
    def fit(self, x, y):
        self.mean = float(y.mean())

    def predict(self, x):
        return self.mean + 0.01 * x[:, 0]

def mean():
    return Mean()

ready = Mean()
number = 3
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(CODE)
    return path


def locked(folder: Path, prices: pl.DataFrame, config: Config | None = None, **given: Any) -> Experiment:
    config = config or small(lockbox=LOCKED, max_folds=2)
    return replace(experiment(folder, prices, config=config), **given)


def runs_with(made: Run) -> tuple[StoredRun, RunsFolder]:
    return stored_of(made), RunsFolder(made.folder.parent)


def future(bars: pl.DataFrame) -> pl.Series:
    """The return from the next open to the one after, which nobody knows: the worst leak there is."""
    opens = bars["open"]
    return (opens.shift(-2) / opens.shift(-1)).log().fill_null(0.0)


def momentum(bars: pl.DataFrame) -> pl.Series:
    return (bars["close"] / bars["close"].shift(20)).log()


# ---- what can be given, and what it is called ----


def test_each_form_has_a_name_and_a_hash(mine: Path, tmp_path: Path) -> None:
    frame = pl.DataFrame({"day": pl.date_range(*2 * [pl.date(2020, 1, 1)], eager=True), "x": [1.0]})
    frame.write_parquet(tmp_path / "x.parquet")
    source = hashlib.sha256(mine.read_bytes()).hexdigest()
    named = own_features(f"{mine}:gap")
    table, file = own_features(frame), own_features(tmp_path / "x.parquet")
    memory = own_features(momentum)
    assert named is not None
    assert table is not None
    assert file is not None
    assert memory is not None
    assert (named.name, named.digest, named.where) == ("mine.py:gap", source, str(mine))
    assert (table.name, file.name, memory.name) == ("frame", "x.parquet", "momentum")
    assert table.digest == file.digest
    assert memory.digest is None
    assert own_features(str(tmp_path / "x.parquet")) is not None
    assert own_features(None) is own_target(None) is own_estimator(None) is None
    target = own_target(f"{mine}:clipped")
    assert target is not None
    assert target.digest == source


@pytest.mark.parametrize("word", ["mean", "Mean", "ready"])
def test_an_estimator_is_an_object_or_what_makes_one(mine: Path, word: str) -> None:
    found = own_estimator(f"{mine}:{word}")
    assert found is not None
    assert found.name == f"mine.py:{word}"
    found.estimator.fit(np.ones((3, 2)), np.ones(3))
    assert found.estimator.predict(np.zeros((1, 2))).tolist() == [1.0]


def test_an_estimator_in_memory_is_called_by_its_class_and_parameters() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    found = own_estimator(linear.Lasso(alpha=0.5))
    assert found is not None
    assert found.name.startswith("Lasso(alpha=0.5, copy_X=True, fit_intercept=True")
    assert found.digest is None
    plain = own_estimator(Constant(0.0))
    assert plain is not None
    assert plain.name == "Constant()"  # what it says of itself would hold an address


def test_what_is_no_function_or_no_table_is_refused(mine: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"mine.py:number: is int, no function; features needs one of bars"
    ):
        own_features(f"{mine}:number")
    with pytest.raises(SettingError, match=r"mine.py:Mean: is type, no function; target needs one of bars"):
        own_target(f"{mine}:Mean")
    with pytest.raises(SettingError, match="int: is int, no function; target"):
        own_target(3)
    with pytest.raises(DataError, match="features: returned int; expected a polars or pandas frame"):
        own_features(3)
    with pytest.raises(DataError, match=r"none.parquet: cannot be read \(No such file"):
        own_features("none.parquet")
    (tmp_path / "bad.parquet").write_text("x")
    with pytest.raises(DataError, match=r"bad.parquet: cannot be read \(damaged"):
        own_features(tmp_path / "bad.parquet")


def test_a_function_sees_bars_and_nothing_else(market: pl.DataFrame) -> None:
    seen = []
    found = own_features(lambda bars: [seen.append(bars), bars["close"]][1])
    assert found is not None
    made = found.build(market)
    assert seen[0].columns == ["day", "open", "high", "low", "close", "volume"]
    assert made.columns == ["day", "column"]  # a lambda has no name of its own
    dated = own_features(lambda bars: bars.select("day", "close", known_on="day"))
    assert dated is not None
    with pytest.raises(DataError, match="a row of a function is known at its bar's close; leave known_on"):
        dated.build(market)
    two = own_target(lambda bars: bars.select("close", "open"))
    assert two is not None
    with pytest.raises(DataError, match="a target is one column of numbers, got close, open"):
        two.build(market)


# ---- runs ----


@pytest.fixture(scope="module")
def noise() -> pl.DataFrame:
    return garch_market(1100, seed=8)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, noise: pl.DataFrame) -> Run:
    return run(locked(tmp_path_factory.mktemp("honest"), noise, features=momentum))


def test_a_causal_feature_finds_nothing_in_noise_and_a_leak_finds_everything(
    tmp_path: Path, noise: pl.DataFrame, honest: Run
) -> None:
    leaky = run(locked(tmp_path, noise, features=future))
    codes = {notice.code for notice in leaky.notices}
    assert {"OWN_LOOKS_AHEAD", "LEAK_SUSPECT"} <= codes
    rho = leaky.evaluation.health.rho
    assert rho is not None
    assert rho > 0.5
    assert not {"OWN_LOOKS_AHEAD", "LEAK_SUSPECT"} & {notice.code for notice in honest.notices}
    rho, error = honest.evaluation.health.rho, honest.evaluation.health.rho_error
    assert rho is None or error is None or abs(rho) < 4 * error


@pytest.mark.parametrize(("word", "ahead"), [("momentum_gap", False), ("momentum_gap_leaky", True)])
def test_of_the_examples_one_looks_ahead(tmp_path: Path, noise: pl.DataFrame, word: str, ahead: bool) -> None:
    material = locked(tmp_path, noise, features=f"{EXAMPLE}:{word}").material()
    assert material.names[-1] == word
    assert ahead == ("OWN_LOOKS_AHEAD" in {notice.code for notice in material.notices})


def test_record_log_and_frames_name_what_is_own(honest: Run) -> None:
    stored, _ = runs_with(honest)
    part = stored.record.own.features
    assert part is not None
    assert (part.name, part.digest, part.columns) == ("momentum", None, ("momentum",))
    assert stored.record.own.target is stored.record.own.estimator is None
    assert honest.log is not None
    lines = honest.log.read_text().splitlines()
    assert "Features: 155" in lines
    assert "Own Features: momentum (in memory): momentum" in lines
    assert not [line for line in lines if line.startswith(("Own Target", "Own Estimator"))]


def test_importances_have_a_row_for_each_own_column(tmp_path: Path, noise: pl.DataFrame) -> None:
    config = small(lockbox=LOCKED, max_folds=1)
    made = run(replace(locked(tmp_path, noise, config, features=future), model="lgb"))
    table = pl.read_parquet(made.folder / "importances.parquet")
    assert table.height == 155
    assert table.sort("importance")["feature"][-1] == "future"


def test_a_run_is_repeated_with_the_same_function_alone(honest: Run) -> None:
    stored, runs = runs_with(honest)
    assert replay(stored, runs, features=momentum).same
    with pytest.raises(SettingError, match="used features of your own, momentum, given in memory"):
        replay(stored, runs)
    with pytest.raises(
        DataError, match="features future makes other numbers of the run's prices than momentum"
    ):
        replay(stored, runs, features=future)
    with pytest.raises(SettingError, match="used no target of your own; leave future out"):
        replay(stored, runs, features=momentum, target=future)


def test_code_is_run_when_it_is_named_and_never_else(mine: Path, tmp_path: Path, noise: pl.DataFrame) -> None:
    made = run(locked(tmp_path, noise, features=f"{mine}:gap", target=f"{mine}:clipped"))
    stored, runs = runs_with(made)
    proof = Path(f"{mine}.ran")
    proof.unlink()
    with pytest.raises(SettingError, match=f"give it again with --features {mine}:gap"):
        replay(stored, runs)
    with pytest.raises(SettingError, match=f"give it again with --target {mine}:clipped"):
        replay(stored, runs, features=f"{mine}:gap")
    assert not proof.exists()  # the file lies where the record says, with the hash that it says
    again = replay(stored, runs, features=f"{mine}:gap", target=f"{mine}:clipped")
    assert again.same
    assert proof.exists()
    with pytest.raises(SettingError, match=r"used features mine.py:gap, and not mine.py:other"):
        replay(stored, runs, features=f"{mine}:other", target=f"{mine}:clipped")
    mine.write_text(CODE + "\n")
    with pytest.raises(
        SettingError, match=r"used features mine.py:gap with hash .* changed since, or is another"
    ):
        replay(stored, runs, features=f"{mine}:gap", target=f"{mine}:clipped")


def test_a_frame_is_kept_and_a_run_repeated_without_what_it_was_read_from(
    tmp_path: Path, noise: pl.DataFrame
) -> None:
    path = tmp_path / "x.parquet"
    noise.select("day", x=pl.col("close").log()).write_parquet(path)
    made = run(locked(tmp_path, noise, features=path))
    stored, runs = runs_with(made)
    path.unlink()
    assert replay(stored, runs).same
    (kept,) = runs.own.iterdir()
    kept.unlink()
    with pytest.raises(
        SettingError, match=f"which a run does not keep; give it again with --features {path}"
    ):
        replay(stored, runs)


def test_the_forecasts_of_a_run_are_traded_without_its_code(honest: Run, noise: pl.DataFrame) -> None:
    stored, runs = runs_with(honest)
    config = stored.config()
    material = material_of_run(stored, config, runs, forecasting=False)
    base = locked(honest.folder.parents[1], noise, config)
    traded = backtest(plan(base, material), stored)
    assert stored_of(traded).ledger().equals(stored.ledger())
    assert stored_of(traded).record.own == stored.record.own
    assert traded.log is not None
    assert "Own Features: momentum (in memory): momentum" in traded.log.read_text().splitlines()
    assert replay(stored_of(traded), runs).same


def test_an_own_target_shapes_forecasts_and_not_what_trades_earn(
    mine: Path, tmp_path: Path, noise: pl.DataFrame
) -> None:
    stored, _ = runs_with(run(locked(tmp_path, noise, target=f"{mine}:clipped")))
    plain = locked(tmp_path, noise).material()
    forecasts = stored.forecasts()
    assert forecasts["outcome"].abs().max() == pytest.approx(0.02)
    earned = stored.ledger().join(plain.target, on="day")
    assert earned["simple"].abs().max() > 0.0205
    gross = earned["weight"].to_numpy() * earned["simple"].to_numpy()
    np.testing.assert_allclose(earned["gross"].to_numpy(), gross, atol=1e-12)


# ---- keys ----


def key_of(folder: Path, prices: pl.DataFrame, **given: Any) -> str | None:
    return plan(locked(folder, prices, **given)).key()


def test_two_that_differ_in_any_way_never_share_forecasts(
    mine: Path, tmp_path: Path, noise: pl.DataFrame
) -> None:
    def keys() -> list[str | None]:
        return [
            key_of(tmp_path, noise),
            key_of(tmp_path, noise, features=f"{mine}:gap"),
            key_of(tmp_path, noise, features=f"{mine}:other"),
            key_of(tmp_path, noise, features=momentum),  # the same numbers under another name
            key_of(tmp_path, noise, features=lambda bars: momentum(bars) * 2.0),
            key_of(tmp_path, noise, target=f"{mine}:clipped"),
            key_of(tmp_path, noise, estimator=f"{mine}:mean"),
            key_of(tmp_path, noise, estimator=f"{mine}:ready"),
            key_of(tmp_path, noise, estimator=f"{mine}:mean", features=f"{mine}:gap"),
        ]

    before = keys()
    assert None not in before
    assert len(set(before)) == len(before)
    assert keys() == before
    mine.write_text(CODE.replace("0.01 * x", "0.02 * x"))
    changed = [one != other for one, other in zip(before, keys(), strict=True)]
    assert changed == [False, True, True, False, False, True, True, True, True]
    assert key_of(tmp_path, noise, estimator=Constant(0.0)) is None


def test_an_estimator_of_a_file_is_found_again_and_repeated(
    mine: Path, tmp_path: Path, noise: pl.DataFrame
) -> None:
    given = locked(tmp_path, noise, estimator=f"{mine}:mean")
    made = run(given)
    stored, runs = runs_with(made)
    found = plan(given).stored()
    assert found is not None
    assert found.name == made.name
    assert (stored.record.model, stored.record.own.estimator) == ("own", plan(given).own.estimator)
    assert replay(stored, runs, estimator=f"{mine}:mean").same
    with pytest.raises(SettingError, match=f"give it again with --estimator {mine}:mean"):
        replay(stored, runs)
    assert made.log is not None
    digest = hashlib.sha256(mine.read_bytes()).hexdigest()[:12]
    assert f"Own Estimator: mine.py:mean (hash {digest})" in made.log.read_text().splitlines()


def test_a_base_model_of_a_stack_learns_from_own_features_as_well(
    tmp_path: Path, noise: pl.DataFrame
) -> None:
    config = small(lockbox=LOCKED, refit=60, stack={"models": ("ridge", "lgb"), "min_rows": 100})
    planned = plan(replace(locked(tmp_path, noise, config, features=momentum), model="stack"))
    assert [base.material.names[-1] for base in planned.bases] == ["momentum"] * 2
    plain = plan(replace(locked(tmp_path, noise, config), model="stack"))
    assert planned.key() != plain.key()


def test_a_model_named_own_needs_an_estimator(tmp_path: Path, noise: pl.DataFrame) -> None:
    with pytest.raises(SettingError, match=r"name it with --estimator FILE.py:NAME"):
        plan(replace(locked(tmp_path, noise), model="own"))
