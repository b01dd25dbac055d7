"""The answers by themselves: both names of a model, pages, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from geiger.columns import FORECASTS
from geiger.errors import GeigerError
from geiger.files import write_frame
from geiger.records import AuditSummary, Epoch, Status
from geiger.runlog import RunLogWriter
from geiger.runs.audits import Audit, StageCheck, keep_audit
from geiger.runs.record import RunRecord, write_record
from geiger.service.answers import Answers
from geiger.service.tools import TOOLS

RUN = "AAPL_gbm_lgb_20251229_143000"


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    for second, (symbol, model) in enumerate([("AAPL", "gbm_lgb"), ("MSFT", "ridge"), ("AAPL", "lstm")]):
        now = datetime(2025, 12, 29, 14, 30, second)
        with RunLogWriter(tmp_path / "logs", symbol, model, now=now) as log:
            for epoch in range(5):
                log.epoch(Epoch(epoch, 1.0, 1.0, 0.1, 50.0))
            log.finish(Status.COLLAPSED if model == "lstm" else Status.SUCCESS)
    return Answers(tmp_path / "logs", tmp_path / "runs")


def names(answers: Answers, **given: object) -> list[str]:
    checked = next(tool for tool in TOOLS if tool.name == "list_runs").checked(given)
    return [run["name"].split("_2025")[0] for run in answers.list_runs(**checked)["runs"]]


@pytest.mark.parametrize("model", ["lgb", "gbm_lgb", "LGB", "GBM_LGB"])
def test_both_names_of_a_model_find_its_runs(answers: Answers, model: str) -> None:
    assert names(answers, model=model) == ["AAPL_gbm_lgb"]


def test_status_in_any_case_and_unknown_words_refused(answers: Answers) -> None:
    assert names(answers, status="collapsed") == ["AAPL_lstm"]
    assert names(answers, symbol="MSFT") == ["MSFT_ridge"]
    for wrong in ({"status": "BOGUS"}, {"model": "xgboost"}):
        with pytest.raises(GeigerError, match="must be one of"):
            names(answers, **wrong)


def test_pages_go_on_where_the_last_one_ended(answers: Answers) -> None:
    first = answers.epochs(RUN, limit=3)
    assert (first["total"], first["next_offset"]) == (5, 3)
    rest = answers.epochs(RUN, offset=first["next_offset"], limit=3)
    seen = [row["epoch"] for row in (*first["epochs"], *rest["epochs"])]
    assert seen == [0, 1, 2, 3, 4]
    assert rest.get("next_offset") is None


def test_forecasts_are_paged(answers: Answers, tmp_path: Path, made_record: Callable[..., RunRecord]) -> None:
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 10), eager=True)
    numbers = {"forecast": 0.1, "outcome": 0.2, "train_mean": 0.0, "train_std": 0.01}
    frame = pl.DataFrame({"day": days}).with_columns(
        symbol=pl.lit("AAPL"),
        model=pl.lit("lgb"),
        fold=pl.lit(0, pl.Int32),
        known_on=pl.col("day"),
        train_end=pl.col("day"),
        **{name: pl.lit(value) for name, value in numbers.items()},
    )
    write_frame(tmp_path / "runs" / RUN / "forecasts.parquet", frame.select(list(FORECASTS.columns)))
    write_record(tmp_path / "runs" / RUN, made_record())
    page = answers.forecasts(RUN, offset=8, limit=5)
    assert (page["total"], [row["day"] for row in page["forecasts"]]) == (10, ["2020-01-09", "2020-01-10"])


def test_steps_name_the_runs_they_speak_of(answers: Answers) -> None:
    found = answers.analyze_runs(all=True, limit=2)
    assert found["steps_cover"] == [log["name"] for log in found["logs"]]
    assert len(found["steps_cover"]) == 2


AUDIT = AuditSummary(color="green", stages=1, cuts=0, day="2026-11-29", key="ab" * 12)


@pytest.fixture
def audited(tmp_path: Path, made_record: Callable[..., RunRecord]) -> Callable[[AuditSummary | None], None]:
    """Write the record of a run with this audit."""
    return lambda audit: write_record(tmp_path / "runs" / RUN, made_record(name=RUN, audit=audit))


def kept_audit(folder: Path) -> Path:
    stage = StageCheck(stage="bars", what="bars", worlds=1, values=1, seconds=0.0)
    made = Audit(
        symbol="AAPL",
        model="lgb",
        color="green",
        stages=(stage,),
        cuts=(),
        worlds=(),
        made_at="2026-11-29",
        key=AUDIT.key or "",
    )
    return keep_audit(folder / "runs" / "audits", made)


def test_a_run_without_an_audit_says_how_to_make_one(
    answers: Answers, audited: Callable[[AuditSummary | None], None]
) -> None:
    audited(None)
    found = answers.audit(RUN)
    assert found["audit"] is None
    assert f"geiger audit --run {RUN}" in found["how"]


def test_the_audit_of_a_run_is_whole_where_it_is_kept(
    answers: Answers, audited: Callable[[AuditSummary | None], None], tmp_path: Path
) -> None:
    audited(AUDIT)
    assert answers.audit(RUN)["whole"] is None
    path = kept_audit(tmp_path)
    found = answers.audit(RUN)
    assert found["audit"]["text"] == AUDIT.text()
    assert [stage["stage"] for stage in found["whole"]["stages"]] == ["bars"]
    path.write_text("{")
    broken = answers.audit(RUN)
    assert (broken["whole"], broken["audit"]["color"]) == (None, "green")
    assert "audit again" in broken["why"]


@pytest.mark.parametrize("key", ["../" * 3 + "secret", "secret", "", None])
def test_a_key_that_is_none_opens_no_file(
    answers: Answers, audited: Callable[[AuditSummary | None], None], tmp_path: Path, key: str | None
) -> None:
    kept = kept_audit(tmp_path)
    (tmp_path / "runs" / "audits" / "secret.json").write_bytes(kept.read_bytes())
    audited(replace(AUDIT, key=key))
    assert answers.audit(RUN)["whole"] is None
