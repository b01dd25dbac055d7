"""What a run leaves in its folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.errors import DataError, TrainingError
from geiger.experiment.plan import Plan, plan
from geiger.experiment.run import backtest, run
from geiger.records import Status
from geiger.runlog import read_log
from geiger.runs.audits import Audit, StageCheck, keep_audit
from geiger.settings import override
from helpers.runs import experiment, stored_of


def test_no_run_overwrites_another(tmp_path: Path, market: pl.DataFrame) -> None:
    runs = [run(replace(experiment(tmp_path, market), log_dir=tmp_path / f"logs{i}")) for i in range(4)]
    assert len({done.folder for done in runs}) == 4
    assert all((done.folder / "run.json").exists() for done in runs)


def test_a_run_that_cannot_be_stored_is_no_success(
    tmp_path: Path, market: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise DataError("disk: cannot be written (No space left on device); check the folder")

    monkeypatch.setattr("geiger.runs.folder.write_frame", full)
    with pytest.raises(TrainingError, match="No space left"):
        run(experiment(tmp_path, market))
    (path,) = (tmp_path / "logs").glob("*.log")
    assert read_log(path).status is Status.FAILED


def kept(planned: Plan) -> Audit:
    """Keep an audit of this plan, as `geiger audit` would have made it."""
    stage = StageCheck(stage="bars", what="bars", worlds=1, values=1, seconds=0.0)
    made = Audit(
        symbol="TEST",
        model="ridge",
        color="green",
        stages=(stage,),
        cuts=(),
        worlds=(),
        made_at="2026-11-29T10:00:00+00:00",
        key=planned.audit_key() or "",
    )
    keep_audit(planned.experiment.runs.audits, made)
    return made


def test_the_kept_audit_of_exactly_this_plan_stands_in_record_log_and_result(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    asked = experiment(tmp_path, market)
    summary = kept(plan(asked)).summary
    done = run(asked)
    assert done.log is not None
    assert done.audit == stored_of(done).record.audit == read_log(done.log).audit == summary
    assert "Audit: green, 1 stages, 0 cuts, 2026-11-29\n" in done.log.read_text()
    other = run(replace(asked, config=override(asked.config, {"clip": 4.0})))
    assert other.log is not None
    assert other.audit is None
    makes = f"geiger audit --run {other.name} --runs-dir {tmp_path / 'runs'} --log-dir {tmp_path / 'logs'}"
    assert f"Audit: none (`{makes}` makes one)" in other.log.read_text()


def test_a_backtest_under_other_trading_settings_says_that_the_audit_is_of_others(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    asked = experiment(tmp_path, market)
    summary = kept(plan(asked)).summary
    trained = stored_of(run(asked))
    same = backtest(plan(asked), trained)
    assert same.audit == summary
    dearer = replace(asked, config=override(asked.config, {"trading": {"cost_bps": 40.0}}))
    traded = backtest(plan(dearer), trained)
    assert traded.log is not None
    assert traded.audit == read_log(traded.log).audit == replace(summary, other=("trading settings",))


def test_a_damaged_audit_stops_no_training(tmp_path: Path, market: pl.DataFrame) -> None:
    asked = experiment(tmp_path, market)
    kept(plan(asked))
    (path,) = asked.runs.audits.iterdir()
    path.write_text("{")
    assert run(asked).audit is None
