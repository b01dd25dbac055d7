"""``geiger train``: logs, exit codes, stand-ins, and what is said on the way."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.records import Status
from geiger.runlog import read_events, read_log, read_text

Call = Any
SECTIONS = (
    *("TRAINING CONFIG", "EPOCH METRICS", "FINAL METRICS", "CHECKPOINTS"),
    *("SCORECARD", "VERDICT", "WARNINGS", "STATUS"),
)
ROOT = Path(__file__).parents[2]


def test_gbm_writes_three_logs_with_all_sections(on_data: Call) -> None:
    answer = on_data("train", "gbm", "AAA")
    assert (answer.code, answer.err) == (0, "")
    logs = sorted(Path("training_logs").glob("*.log"))
    assert [path.name.rsplit("_", 2)[0] for path in logs] == [
        "AAA_gbm_catboost",
        "AAA_gbm_lgb",
        "AAA_gbm_xgb",
    ]
    for path in logs:
        text = path.read_text()
        places = [text.index(f"=== {section} ===") for section in SECTIONS]
        assert places == sorted(places)
        assert text.endswith("=== STATUS ===\nSUCCESS\n")
        assert "Features: 154\n" in text
        assert "Epoch 20: loss=" in text


def test_text_events_and_run_folder_tell_the_same(on_data: Call) -> None:
    (facts,) = on_data("train", "lgb", "AAA", "--json").json
    path = Path(facts["log"])
    log, text, events = read_log(path), read_text(path), read_events(path.with_suffix(".jsonl"))
    stored = json.loads((Path(facts["folder"]) / "run.json").read_text())
    assert log.status == text.status == events.status == Status.SUCCESS == facts["status"] == stored["status"]
    assert [figure.value for figure in events.figures] == [figure["value"] for figure in facts["figures"]]
    assert facts["figures"] == stored["results"]["figures"]
    assert [c.outcome for c in text.checkpoints] == [c["outcome"] for c in facts["checkpoints"]]
    assert {epoch.fold for epoch in events.epochs} == {fold["fold"] for fold in stored["folds"]}
    assert stored["data"]["data_hash"] in "".join(
        path.read_text() for path in Path("runs/snapshots").glob("*.jsonl")
    )


def test_one_symbol_that_fails_does_not_stop_the_rest(on_data: Call) -> None:
    answer = on_data("train", "lgb", "NOBODY", "TINY", "AAA")
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 2
    assert "no NOBODY.csv" in answer.err
    assert [path.name.split("_")[0] for path in Path("training_logs").glob("*.log")] == ["AAA"]


def test_a_dry_run_writes_no_log_and_no_run(on_data: Call) -> None:
    answer = on_data("train", "gbm", "AAA", "--dry-run")
    assert answer.code == 0
    assert "2 folds" in answer.out
    assert not Path("training_logs").exists()
    assert not list(Path("runs").glob("AAA*"))


def test_symbols_come_from_a_file_too(on_data: Call) -> None:
    Path("mine.txt").write_text("AAA  # the first\n\n# none\nBBB\nAAA\n")
    facts = on_data("train", "ridge", "--symbols-file", "mine.txt", "--dry-run", "--json").json
    assert [fact["symbol"] for fact in facts] == ["AAA", "BBB"]
    assert "no symbol given" in on_data("train", "ridge").complaint


@pytest.mark.parametrize("model", ["xgb", "lgb", "catboost"])
def test_training_twice_gives_the_same_bits(on_data: Call, model: str) -> None:
    runs = [on_data("train", model, "AAA", "--seeds", 2, "--json").json[0] for _ in range(2)]
    one, two = (pl.read_parquet(Path(run["folder"]) / "forecasts.parquet") for run in runs)
    assert runs[0]["folder"] != runs[1]["folder"]
    assert one.equals(two)


def test_xgboost_stands_in_for_catboost(on_data: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda n, *a: None if n == "catboost" else real(n, *a))
    answer = on_data("train", "catboost", "AAA", "--json")
    assert answer.code == 0
    (path,) = Path("training_logs").glob("*.log")
    assert path.name.startswith("AAA_gbm_xgb_")
    assert "FALLBACK: catboost is not installed" in path.read_text()
    assert len(on_data("train", "gbm", "AAA", "--dry-run", "--json").json) == 2


def test_a_folder_that_takes_no_log_does_not_stop_training(on_data: Call) -> None:
    Path("file").write_text("no folder")
    answer = on_data("train", "lgb", "AAA", "--log-dir", "file")
    assert answer.code == 0
    assert "the run goes on without a log" in answer.complaint
    assert "Log: none could be written" in answer.out
    assert len(list(Path("runs").glob("AAA_gbm_lgb_*/run.json"))) == 1


def test_a_collapsed_model_exits_with_3(on_data: Call) -> None:
    answer = on_data("train", "zero", "AAA")
    assert answer.code == 3
    assert "COLLAPSED" in answer.out


def test_constant_prices_are_named(on_data: Call, data: Path) -> None:
    flat = pl.read_csv(data / "AAA.csv").with_columns(
        pl.lit(10.0).alias(name) for name in ("Open", "High", "Low", "Close", "Adj Close")
    )
    flat.write_csv(data / "FLAT.csv")
    answer = on_data("train", "ridge", "FLAT")
    assert answer.code in (1, 3)
    assert "Traceback" not in answer.err + answer.out
    assert "COLLAPSED" in answer.out or "FLAT" in answer.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cost-bps", "nan"), "must be a finite number"),
        (("--cost-bps", "-1"), "cost_bps must be a finite number"),
        (("--lockbox", "5000"), "days are left"),
        (("--start", "2003-01-01", "--end", "2002-01-01"), "lies after end"),
        (("--start", "yesterday"), "is no day"),
        (("--context", "NOBODY"), "no NOBODY.csv"),
    ],
)
def test_settings_that_make_no_sense(on_data: Call, words: tuple[str, ...], message: str) -> None:
    answer = on_data("train", "ridge", "AAA", *words)
    assert answer.code == 1
    assert message in answer.complaint
    assert not Path("training_logs").exists()


def test_a_pipe_gets_no_progress_and_the_plans_script_works(data: Path, tmp_path: Path) -> None:
    script = ROOT / "training" / "train_gbm_baseline.py"
    words = [
        "AAA",
        "--data",
        data,
        "--recipe",
        "quick",
        "--min-train",
        "200",
        "--max-folds",
        "1",
        "--epochs",
        "5",
    ]
    command = [sys.executable, script, *map(str, words)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert len(list((tmp_path / "training_logs").glob("AAA_gbm_*.log"))) == 3
