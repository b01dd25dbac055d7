"""``geiger train``: what it prints, writes, repeats and survives."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from geiger.codec import plain
from geiger.errors import TrainingError
from geiger.models.baselines import Ridge
from geiger.records import Notice, Status
from geiger.runlog import RunLog, read_events, read_log, read_text

Call = Any
ROOT = Path(__file__).parents[2]
SECTIONS = (
    "TRAINING CONFIG",
    "EPOCH METRICS",
    "FINAL METRICS",
    "CHECKPOINTS",
    "SCORECARD",
    "VERDICT",
    "WARNINGS",
    "STATUS",
)
WORDS = (
    *("--recipe", "quick", "--min-train", "200", "--lockbox", "50"),
    *("--refit", "60", "--max-folds", "2"),
)


def logs(folder: str | Path = "training_logs") -> list[Path]:
    return sorted(Path(folder).glob("*.log"))


def the_run(log: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((Path("runs") / log.stem / "run.json").read_text())
    return facts


def codes(log: RunLog) -> list[str]:
    return [notice.code for notice in log.warnings]


def test_gbm_writes_three_logs_that_tell_what_the_runs_hold(on_data: Call) -> None:
    answer = on_data("train", "gbm", "AAA")
    assert answer.err == ""
    assert [log.name[: -len("_20240105_143022.log")] for log in logs()] == [
        "AAA_gbm_catboost",
        "AAA_gbm_lgb",
        "AAA_gbm_xgb",
    ]
    statuses = set()
    for path in logs():
        text = path.read_text()
        places = [text.index(f"=== {name} ===\n") for name in SECTIONS]
        assert places == sorted(places)
        log, run = read_log(path), the_run(path)
        statuses.add(log.status)
        assert log.unread == ()
        assert str(log.status) == run["status"]
        assert [vars(figure) for figure in log.figures] == run["results"]["figures"]
        assert [vars(notice) for notice in log.warnings] == run["warnings"]
        assert [check.outcome for check in log.checkpoints] == [
            check["outcome"] for check in run["results"]["checkpoints"]
        ]
        assert len(log.folds) == len(run["folds"]) == 2
        assert log.judged is not None
        assert plain(log.judged) == run["verdict"]
        assert log.verdict[0] == f"CANNOT TELL: {run['verdict']['sentence']}"
        assert dict(log.config)["Model"] == run["model"]
        printed, exact = read_text(path), read_events(path.with_suffix(".jsonl"))
        assert (printed.status, printed.config, printed.warnings) == (
            exact.status,
            exact.config,
            exact.warnings,
        )
        assert [figure.name for figure in printed.figures] == [figure.name for figure in exact.figures]
        assert f" AAA {run['model']}: CANNOT TELL, p " in answer.out
    assert answer.code == (0 if statuses == {Status.SUCCESS} else 3)


def test_what_is_true_of_the_symbol_is_said_once(on_data: Call) -> None:
    answer = on_data("train", "gbm", "AAA", "TINY", "-v")
    lines = answer.out.splitlines()
    assert sum(line.startswith("AAA: folder, ") for line in lines) == 1
    assert sum("DATA_EXTRA_SESSIONS" in line for line in lines) == 1
    assert [line.split(":")[0] for line in lines if line.startswith("AAA ") and " folds, " in line] == [
        "AAA xgb",
        "AAA lgb",
        "AAA catboost",
    ]
    assert "geiger: TINY: 0 of 30 days are left" in answer.complaint


def test_json_is_one_document_and_nothing_else(on_data: Call) -> None:
    answer = on_data("train", "ridge", "AAA", "BBB", "--json")
    assert answer.err == ""
    one, two = answer.json
    assert (one["symbol"], two["symbol"]) == ("AAA", "BBB")
    for facts in (one, two):
        assert Path(facts["log"]).is_file()
        assert json.loads((Path(facts["folder"]) / "run.json").read_text())["status"] == facts["status"]
        assert facts["figures"][0]["name"] == "Direction Accuracy"


def test_one_symbol_that_fails_stops_no_other(on_data: Call) -> None:
    answer = on_data("train", "ridge", "NOPE", "AAA", "TINY", "../x", "--json")
    assert [("error" in facts, facts["symbol"]) for facts in answer.json] == [
        (True, "NOPE"),
        (False, "AAA"),
        (True, "TINY"),
        (True, "../x"),
    ]
    assert answer.err.count("\n") == 3
    trained = answer.json[1]["status"]
    assert answer.code == (1 if trained == "SUCCESS" else 3)  # the worst of all
    assert len(logs()) == 1


def test_a_model_that_fails_ends_as_failed_with_code_3(
    on_data: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise TrainingError("ridge: no solution; try another penalty")

    def breaks(*_: object, **__: object) -> None:
        raise MemoryError("too much")

    monkeypatch.setattr("geiger.experiment.plan.walk", fails)
    answer = on_data("train", "ridge", "AAA")
    assert answer.code == 3
    assert "geiger: AAA ridge: ridge: no solution" in answer.complaint
    assert read_log(logs()[0]).status is Status.FAILED
    monkeypatch.setattr("geiger.experiment.plan.walk", breaks)
    answer = on_data("train", "ridge", "AAA", "BBB")
    assert answer.code == 3
    assert answer.err.splitlines() == [f"geiger: {s} ridge: MemoryError: too much" for s in ("AAA", "BBB")]
    assert [read_log(path).status for path in logs()] == [Status.FAILED] * 3
    assert codes(read_log(logs()[-1]))[-1] == "TRAINING_FAILED"
    assert not list(Path("runs").glob("*_ridge_*"))


def test_constant_prices_end_as_collapsed(on_data: Call, data: Path, market: pl.DataFrame) -> None:
    price = [pl.lit(100.0).alias(name) for name in ("Open", "High", "Low", "Close", "Adj Close")]
    market.with_columns(price).write_csv(data / "FLAT.csv")
    answer = on_data("train", "gbm", "FLAT", "--json")
    assert (answer.code, answer.err) == (3, "")
    assert [facts["status"] for facts in answer.json] == ["COLLAPSED"] * 3
    assert on_data("train", "ridge", "FLAT").code == 3
    for path in logs():
        log = read_log(path)
        assert log.status is Status.COLLAPSED
        assert {"DATA_STALE_CLOSES", "FILL_CLOSE"} <= set(codes(log))


def test_a_dry_run_says_what_it_would_do_and_writes_no_run(on_data: Call) -> None:
    answer = on_data("train", "xgb", "AAA", "--dry-run", "-v")
    assert (answer.code, answer.err) == (0, "")
    data_line, *_, plan_line = answer.out.splitlines()
    assert data_line.endswith("1050 days from 2000-01-03 to 2004-01-09; the last 50 rows stay locked")
    assert plan_line.startswith(
        "AAA xgb: 2 folds, 2 trainings, 95 days forecast from 2003-08-28 to 2004-01-07, "
    )
    (facts,) = on_data("train", "xgb", "AAA", "--dry-run", "--json").json
    assert (facts["folds"], facts["members"], facts["test_rows"]) == (2, 2, 95)
    assert not Path("training_logs").exists()
    assert [path.name for path in Path("runs").iterdir()] == ["snapshots"]


@pytest.mark.parametrize("model", ["ridge", "xgb", "lgb", pytest.param("catboost", marks=pytest.mark.slow)])
def test_a_training_twice_gives_the_same_bits(on_data: Call, tmp_path: Path, model: str) -> None:
    frames = []
    for name in ("one", "two"):
        answer = on_data("train", model, "AAA", "--runs-dir", tmp_path / name, "--json")
        frames.append(pl.read_parquet(Path(answer.json[0]["folder"]) / "forecasts.parquet"))
    assert frames[0].height == 95
    assert frames[0]["forecast"].n_unique() > 10
    assert frames[0].equals(frames[1])


def without_catboost(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "catboost" else real(name, *rest)
    )


def test_without_catboost_xgboost_stands_in_and_the_log_says_so(
    on_data: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_catboost(monkeypatch)
    answer = on_data("train", "catboost", "AAA")
    assert "Warning FALLBACK: catboost is not installed" in answer.out
    (path,) = logs()
    assert path.name.startswith("AAA_gbm_xgb_")
    assert "FALLBACK" in codes(read_log(path))


def test_gbm_without_catboost_trains_no_model_twice(on_data: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    without_catboost(monkeypatch)
    on_data("train", "gbm", "AAA")
    found = {path.name[: -len("_20240105_143022.log")]: codes(read_log(path)) for path in logs()}
    assert set(found) == {"AAA_gbm_xgb", "AAA_gbm_lgb"}
    assert "FALLBACK" in found["AAA_gbm_xgb"]
    assert "FALLBACK" not in found["AAA_gbm_lgb"]


def test_a_log_folder_that_is_a_file_stops_no_training(on_data: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am a file")
    answer = on_data("train", "ridge", "AAA", "--log-dir", tmp_path / "file", "-v")
    assert answer.code in (0, 3)
    assert answer.complaint == f"geiger: log {tmp_path / 'file'}: File exists; the run goes on without a log"
    assert "  Log: none could be written\n" in answer.out
    (run,) = Path("runs").glob("AAA_ridge_*")
    assert (run / "forecasts.parquet").is_file()
    assert json.loads((run / "run.json").read_text())["log"] is None
    assert (tmp_path / "file").read_text() == "I am a file"


def test_a_full_disk_is_one_line_and_costs_no_fold(on_data: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def full(path: Path, content: Any) -> int:
        if "forecasts.parquet" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        answer = on_data("train", "ridge", "AAA")
    assert answer.code == 3
    assert "forecasts.parquet: cannot be written (No space left on device)" in answer.complaint
    assert read_log(logs()[0]).status is Status.FAILED
    assert len(list(Path("runs/.parts").rglob("*.npz"))) == 3  # the third goes on over the lock-box, unscored
    trained: list[int] = []
    fit = Ridge.fit
    monkeypatch.setattr(Ridge, "fit", lambda *a, **k: trained.append(1) or fit(*a, **k))
    assert on_data("train", "ridge", "AAA", "--json").json[0]["status"]
    assert trained == [1]  # no fold again, only the model for use
    assert list(Path("runs").glob("AAA_ridge_*/run.json"))


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty"])
def test_a_damaged_fold_is_trained_again(on_data: Call, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    whole = on_data("train", "ridge", "AAA", "--runs-dir", "whole", "--json").json[0]

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("geiger.experiment.run.evaluate", stop)
        assert "finished folds are kept" in on_data("train", "ridge", "AAA").complaint
    part = min(Path("runs/.parts").rglob("*.npz"))
    content = part.read_bytes()
    part.write_bytes({"cut": content[:-100], "garbage": b"no zip at all", "empty": b""}[damage])
    again = on_data("train", "ridge", "AAA", "--json")
    assert again.err == ""
    frames = [pl.read_parquet(Path(f["folder"]) / "forecasts.parquet") for f in (whole, again.json[0])]
    assert frames[0].equals(frames[1])


@pytest.mark.slow
def test_a_training_of_one_symbol_makes_what_its_verdict_lacks(call: Call, data: Path) -> None:
    words = ("train", "ridge", "AAA", "--data", data, *WORDS)
    first = call(*words, "-v", judged_in_full=True)
    lines = first.out.splitlines()
    planned = next(i for i, line in enumerate(lines) if line.startswith("AAA ridge: 2 folds"))
    answers = ("AAA ridge: CANNOT TELL: ", "AAA ridge: NO SIGNAL: ")
    assert lines[planned + 1].startswith(answers)  # the answer before all else
    assert "  Audit: green, " in first.out
    assert "Check Source: on these very prices" in first.out
    (facts,) = call(*words, "--json", judged_in_full=True).json
    assert facts["audit"]["color"] == "green"
    assert facts["verdict"]["check"]["model"] == "ridge"
    two = call(
        "train", "ridge", "AAA", "BBB", "-v", "--data", data, *WORDS, "--seed", "7", judged_in_full=True
    )
    assert two.out.count("Not Checked: audit: was not asked for") == 2


def test_nothing_is_written_outside_the_chosen_folders(on_data: Call, data: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in data.iterdir()}
    on_data("train", "ridge", "AAA", "--runs-dir", tmp_path / "r", "--log-dir", tmp_path / "l")
    assert not list(Path().iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"place", "data", "r", "l"}
    assert {path: path.read_bytes() for path in data.iterdir()} == before


@pytest.mark.slow
def test_the_plans_own_line(data: Path, tmp_path: Path) -> None:
    script = ROOT / "training" / "train_gbm_baseline.py"
    words = ["AAA", "TINY", "--data", data, *WORDS, "--epochs", "10"]
    ran = subprocess.run([sys.executable, script, *words], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode in (1, 3)  # 1 for TINY; 3 where a model collapsed, too
    assert ran.stderr.startswith("geiger: TINY: ")
    assert ran.stderr.count("\n") == 1, "no progress bar on a pipe"
    assert len(logs(tmp_path / "training_logs")) == 3


def test_an_alarm_comes_before_anything_good(on_data: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = Notice("LEAK_SUSPECT", "too good to be true")
    monkeypatch.setattr("geiger.experiment.evaluation.alarms", lambda **figures: (alarm,))
    lines = on_data("train", "lgb", "AAA").out.splitlines()
    said = lines.index("  Alarm     LEAK_SUSPECT: too good to be true")
    assert said < next(i for i, line in enumerate(lines) if line.startswith("  Money "))
    (path,) = logs()
    log = read_log(path)
    assert log.scorecard.notes[0].startswith("LEAK_SUSPECT")
    assert log.warnings[0] == alarm


def test_the_context_that_a_run_used_is_kept(on_data: Call) -> None:
    (facts,) = on_data("train", "ridge", "AAA", "--json").json
    stored = json.loads((Path(facts["folder"]) / "run.json").read_text())["data"]
    assert stored["context"]["market"] == "SPY"
    kept = {path.stem for path in Path("runs/snapshots").glob("*.parquet")}
    hashes = {"AAA": stored["data_hash"], "SPY": stored["context"]["market_hash"]}
    assert kept == {f"{symbol}_{digest[:12]}" for symbol, digest in hashes.items()}


def test_rewritten_days_of_the_lock_box_are_not_told(on_data: Call, data: Path) -> None:
    on_data("train", "ridge", "AAA")
    prices = pl.read_csv(data / "AAA.csv")
    for row, told in ((prices.height - 10, False), (500, True)):
        factor = pl.when(pl.int_range(pl.len()) == row).then(1.001).otherwise(1.0)
        prices.with_columns(pl.col("Volume") * factor).write_csv(data / "AAA.csv")
        answer = on_data("train", "ridge", "AAA", "-v")
        assert ("DATA_REWRITTEN" in answer.out) is told
        prices.write_csv(data / "AAA.csv")
        on_data("train", "ridge", "AAA", "--dry-run")  # remembers the prices as they were


MINE = """
def gap(bars):
    return (bars["close"] / bars["close"].shift(20)).log()

def clipped(bars):
    opens = bars["open"]
    return (opens.shift(-2) / opens.shift(-1)).log().clip(-0.02, 0.02)

def fails(bars):
    return 1 / 0

class Mean:
    def fit(self, x, y):
        self.mean = float(y.mean())

    def predict(self, x):
        return self.mean + 0.01 * x[:, 0]
"""


def test_own_features_and_target_are_named_where_the_data_are(on_data: Call) -> None:
    Path("mine.py").write_text(MINE)
    done = on_data("train", "ridge", "AAA", "--features", "mine.py:gap", "--target", "mine.py:clipped")
    assert done.code in (0, 3)
    assert re.search(r"^AAA: own features mine.py:gap \(hash [0-9a-f]{12}\): gap$", done.out, re.M)
    assert re.search(r"^AAA: own target mine.py:clipped \(hash [0-9a-f]{12}\)$", done.out, re.M)
    (log,) = logs()
    own = the_run(log)["own"]
    assert (own["features"]["columns"], own["target"]["name"]) == (["gap"], "mine.py:clipped")
    (facts,) = on_data("train", "ridge", "AAA", "--features", "mine.py:gap", "--dry-run", "--json").json
    assert facts["own"]["features"]["name"] == "mine.py:gap"
    (facts,) = on_data("train", "ridge", "AAA", "--dry-run", "--json").json
    assert "own" not in facts


def test_own_estimator_takes_the_place_of_a_model(on_data: Call) -> None:
    Path("mine.py").write_text(MINE)
    done = on_data("train", "own", "AAA", "--estimator", "mine.py:Mean")
    assert done.code in (0, 3)
    assert re.search(r"^AAA: own estimator mine.py:Mean \(hash", done.out, re.M)
    other = on_data("train", "ridge", "AAA", "--estimator", "mine.py:Mean")
    assert other.complaint == "geiger: --estimator is a model of its own: write own in place of ridge"
    assert "name it with --estimator FILE.py:NAME" in on_data("train", "own", "AAA").complaint


def test_what_is_wrong_with_own_code_is_one_line(on_data: Call) -> None:
    Path("mine.py").write_text(MINE)
    for given, said in (
        ("mine.py:fails", "stopped with ZeroDivisionError: division by zero on line 10 of mine.py"),
        ("mine.py:gpa", "has no 'gpa'; did you mean 'gap'?"),
        ("nine.py:gap", "nine.py: cannot be read (No such file or directory); check the path"),
        ("mine.py", "write it as FILE.py:NAME"),
    ):
        done = on_data("train", "ridge", "AAA", "--features", given)
        assert done.code == 1
        assert said in done.complaint


def gist_of(text: str) -> list[str]:
    """Return the lines from the answer on."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if ": CANNOT TELL: " in line or ": NO SIGNAL: " in line)
    return lines[start:]


def test_a_training_ends_with_ten_lines_at_most(on_data: Call) -> None:
    answer = on_data("train", "ridge", "AAA")
    (log,) = logs()
    lines = gist_of(answer.out)
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("AAA ridge: ")
    assert lines[-2] == f"  Run       runs/{log.stem}"
    assert lines[-1].startswith("  Next      geiger ")
    assert "SUCCESS" not in answer.out
    assert "\x1b" not in answer.out
    full = on_data("train", "ridge", "AAA", "-v").out
    assert "Direction Accuracy" in full
    assert "  Log: training_logs/" in full


def test_several_symbols_end_with_one_table(on_data: Call) -> None:
    answer = on_data("train", "ridge", "AAA", "NOPE", "BBB")
    lines = answer.out.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["1/3 AAA ridge", "3/3 BBB ridge"]
    assert lines[2] == ""
    assert lines[3].split() == [
        "symbol",
        "model",
        "verdict",
        "p,",
        "all",
        "tries",
        "correlation",
        "Sharpe",
        "held",
    ]
    assert {line.split()[0] for line in lines[4:6]} == {"AAA", "BBB"}
    assert lines[6].split() == ["NOPE", "ridge", "no", "run"]
    assert any(line.startswith("  ridge: ") and "over 2 symbols" in line for line in lines)
    assert any(line.startswith("The best of 2 by luck alone") for line in lines)
    assert max(map(len, lines)) <= 80
    assert len(lines) < 25


def test_the_first_model_of_a_symbol_is_judged_with_those_that_came_behind_it(on_data: Call) -> None:
    found = on_data("train", "gbm", "AAA", "--json").json
    assert [facts["verdict"]["tries"]["skill"] for facts in found] == [3, 3, 3]
    for facts in found:
        assert the_run(Path(facts["log"]))["verdict"] == facts["verdict"]
