"""``geiger logs`` on logs of real runs: good, collapsed, biased, over-fitted, killed and corrupt ones."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import chdir
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from geiger import Experiment, recipe, run
from geiger.analysis.analyzer import Analysis, LogAnalysis, analyze, case_of
from geiger.analysis.logbook import INDEX, LogBook
from geiger.checks.catalogue import ask_all
from geiger.cli import main
from geiger.cli.parser import build_parser
from geiger.market.synthetic import planted_market
from geiger.records import Figure, Notice, Status
from geiger.runlog import RunLogWriter
from geiger.settings import override

SMALL = {"min_train": 200, "lockbox": 50, "refit": 60, "max_folds": 4}
Call = Any


class OneSign:
    """A model whose bias says up every day, far above the drift."""

    def fit(self, x: npt.NDArray[Any], y: npt.NDArray[Any]) -> OneSign:
        self.level = float(y.mean() + 2.0 * y.std())
        return self

    def predict(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return self.level + 0.05 * self.level * np.sin(np.arange(len(x)))


@dataclass(frozen=True)
class Lab:
    """A folder in which six runs went differently."""

    root: Path
    names: dict[str, str]  # how it went -> name of the log

    @property
    def logs(self) -> Path:
        return self.root / "training_logs"

    def analyzed(self) -> dict[str, LogAnalysis]:
        done = {log.name: log for log in self.analysis().logs}
        return {how: done[name] for how, name in self.names.items()}

    def analysis(self) -> Analysis:
        return analyze(LogBook(self.logs, keep=False), everything=True)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    root = tmp_path_factory.mktemp("lab")
    prices = planted_market(2600, 1, 0.02).prices
    names: dict[str, str] = {}
    small = override(recipe("quick"), SMALL)

    def train(how: str, model: str, changes: dict[str, Any], symbol: str = "AAA", **more: Any) -> None:
        experiment = Experiment(
            symbol, model, override(small, changes), prices=prices, context="none", **more
        )
        names[how] = run(experiment).name

    with chdir(root):
        train("good", "lgb", {"min_train": 1500})
        train("collapsed", "lgb", {"lgb": {"learning_rate": 1e-7}}, "BBB")
        train("biased", "own", {}, "CCC", estimator=OneSign())
        train("over-fitted", "xgb", {"xgb": {"max_trees": 150, "depth": 8, "learning_rate": 0.3}}, "DDD")
        names["killed"] = _killed(root, prices)
        good = root / "training_logs" / f"{names['good']}.log"
        names["corrupt"] = "EEE_gbm_lgb_20240101_000000"
        data = bytearray(good.read_bytes())
        for at in np.random.default_rng(7).integers(0, len(data), 60):
            data[at] = int(at) % 256
        (root / "training_logs" / f"{names['corrupt']}.log").write_bytes(bytes(data[: len(data) * 3 // 4]))
    return Lab(root, names)


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Lab:
    """A copy that a test may add to."""
    shutil.copytree(lab.root, tmp_path / "lab")
    return Lab(tmp_path / "lab", lab.names)


def _killed(root: Path, prices: pl.DataFrame) -> str:
    """Kill a run once it has written a fold, and return the name of its log."""
    code = (
        "import sys, polars as pl\nfrom geiger import Experiment, recipe, run\n"
        "from geiger.settings import override\n"
        f"config = override(recipe('quick'), {SMALL | {'max_folds': 9, 'catboost': {'max_trees': 400}}!r})\n"
        "run(Experiment('FFF', 'catboost', config, prices=pl.read_parquet(sys.argv[1]), context='none'))\n"
    )
    prices.write_parquet(root / "prices.parquet")
    process = subprocess.Popen([sys.executable, "-c", code, root / "prices.parquet"], cwd=root)
    try:
        while True:
            found = list((root / "training_logs").glob("FFF_*.jsonl"))
            if found and '"event": "fold"' in found[0].read_text():
                break
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    for path in (root / "training_logs").glob("FFF_*"):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    return found[0].stem


def codes(log: LogAnalysis) -> set[str]:
    return {finding.code for finding in log.findings}


@pytest.mark.slow
def test_each_log_gets_its_findings_and_its_next_step(lab: Lab) -> None:
    done = lab.analyzed()
    assert done["good"].result in ("GOOD", "NOTHING SHOWN"), done["good"].findings  # 240 days show little
    assert done["good"].ready == (done["good"].result == "GOOD")
    assert done["good"].conclusion.startswith("Ready") == done["good"].ready
    assert done["good"].next == f"geiger backtest AAA --run {lab.names['good']}"
    assert {"GC201", "GC302"} <= codes(done["collapsed"])
    assert not done["collapsed"].ready
    assert done["collapsed"].next == "geiger train lgb BBB --recipe default"
    assert "GC202" in codes(done["biased"])
    assert not done["biased"].ready
    assert {"GC111", "GC112", "GC204"} <= codes(done["over-fitted"])
    assert "GC101" in codes(done["killed"])
    assert done["killed"].next == "geiger train catboost FFF --recipe quick"
    assert "GC103" in codes(done["corrupt"])
    assert not done["corrupt"].ready, "it has no status any more"


@pytest.mark.slow
def test_every_citation_is_right(lab: Lab) -> None:
    """The line that a finding or sentence cites says what it claims."""
    checked = 0
    for log in lab.analysis().logs:
        findings = [(f.code, f.evidence) for f in log.findings]
        for what, evidence in [*findings, *((s.text, s.evidence) for s in log.sentences)]:
            for cited in evidence:
                if cited.line is None:
                    assert cited.text == "no === STATUS === section"
                    continue
                lines = re.split(r"\r\n|\n|\r", (lab.logs / cited.file).read_text(errors="replace"))
                _says(lines[cited.line - 1], cited.text, what)
                checked += 1
    assert checked > 60


def _says(line: str, claim: str, what: str) -> None:
    """Assert that a line of a text log or an event holds what evidence says of it."""
    if line.startswith("{"):
        event = json.loads(line)
        if event["event"] == "epoch":
            assert f"fold {event['fold']}, seed {event['seed']}, epoch {event['epoch']}: " in claim
            assert f"val_loss={event['val_loss']:.4f}" in claim or "the last of" in claim
        else:
            assert event["event"] in ("fold", "training", "warning")
        return
    if claim == "not understood":
        return
    if line.startswith("==="):
        assert "EPOCH METRICS" in line, (line, what)
        return
    numbers = [word.strip("(),%:") for word in claim.split() if any(c.isdigit() for c in word)]
    words = [word.strip("(),:") for word in claim.split() if word[0].isalpha()]
    found = [number for number in numbers if number in line] or [word for word in words if word in line]
    assert found, (line, claim, what)


@pytest.mark.slow
def test_every_next_step_is_a_command(lab: Lab) -> None:
    analysis = lab.analysis()
    steps = [step.command for step in analysis.steps]
    assert steps
    for command in [*steps, *(log.next for log in analysis.logs), *(f.next for f in analysis.trends)]:
        words = shlex.split(command)
        assert words[0] == "geiger"
        assert build_parser().parse_args(words[1:]).handler
    assert len(steps) == len(set(steps))
    ranks = [step.severity for step in analysis.steps]
    assert ranks == sorted(ranks, key=["FAIL", "READY", "NEXT", "WARN", "NOTE"].index)


@pytest.mark.slow
def test_the_plans_example_session(own: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Train, analyze, backtest, analyze: each line as it is typed."""
    with chdir(own.root):
        assert main(["logs", "analyze", own.names["good"]]) == 0
        said = capsys.readouterr().out
        assert f"Analyzing training_logs/{own.names['good']}.log ..." in said
        assert "  Result: Direction accuracy " in said
        assert "pred_std 0." in said
        assert "  WFE: " in said
        command = f"geiger backtest AAA --run {own.names['good']}"
        assert f"Please run:\n    {command}\n" in said
        assert main(shlex.split(command)[1:]) == 0
        assert f"forecasts of {own.names['good']}" in capsys.readouterr().out
        assert main(["logs", "analyze", "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        backtested = [log for log in facts["logs"] if log["model"] == "backtest"]
        assert [log["symbol"] for log in backtested] == ["AAA"]
        assert backtested[0]["next"] == f"geiger report {backtested[0]['name']}"
        assert main(shlex.split(backtested[0]["next"])[1:]) == 0
        capsys.readouterr()
        again = analyze(LogBook(own.logs), [own.names["good"]])
        assert again.logs[0].conclusion.startswith(f"Backtested already in {backtested[0]['name']}")


@pytest.mark.slow
def test_a_backtest_of_a_run_trades_exactly_its_forecasts(
    own: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    with chdir(own.root):
        assert main(["backtest", "--run", own.names["good"], "--rule", "sign", "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)[0]
        old, new = (
            pl.read_parquet(own.root / "runs" / name / "forecasts.parquet")
            for name in (own.names["good"], facts["run"])
        )
        assert new.equals(old)
        for words in (["--recipe", "plan"], ["--model", "lgb"], ["--seeds", "2"], ["OTHER"]):
            assert main(["backtest", "--run", own.names["good"], *words]) == 1
        complaints = capsys.readouterr().err.splitlines()
        assert len(complaints) == 4
        assert "is a run of AAA" in complaints[-1]


# What needs no training


@pytest.fixture
def logs(tmp_path: Path, call: Call) -> Path:
    """The folder of logs where `call` calls its commands."""
    folder = tmp_path / "place" / "training_logs"
    folder.mkdir()
    return folder


def write(
    folder: Path, second: int = 0, symbol: str = "AAPL", status: Status | None = Status.SUCCESS
) -> Path:
    with RunLogWriter(folder, symbol, "lstm", now=datetime(2025, 12, 29, 14, 30, second)) as log:
        log.config({"Recipe": "default", "Context": "SPY"})
        if status is not None:
            log.finish(
                status, figures=[Figure("Prediction Std", 0.06, "number"), Figure("WFE", 0.6, "share")]
            )
    assert log.path is not None
    return log.path


PLAN_LOG = """\
=== TRAINING CONFIG ===
Symbol: AAPL
Model: lstm_regressor
Epochs: 50
Batch Size: 512
Learning Rate: 1e-3
Features: 154

=== EPOCH METRICS ===
Epoch 1: loss=0.0234, val_loss=0.0289, pred_std=0.0512, pos_pct=48.2%
Epoch 2: loss=0.0198, val_loss=0.0267, pred_std=0.0498, pos_pct=51.3%

=== FINAL METRICS ===
Direction Accuracy: 54.2%
Prediction Std: 0.0423
Positive %: 52.1%
WFE: 58.3%
Test Sharpe: 0.87

=== WARNINGS ===
None

=== STATUS ===
SUCCESS
"""


def test_the_plans_own_example_log(logs: Path, call: Call) -> None:
    name = "AAPL_lstm_20251229_143022"
    (logs / f"{name}.log").write_text(PLAN_LOG)
    answer = call("logs", "analyze")
    assert answer.code == 0
    assert answer.out.splitlines()[:4] == [
        f"Analyzing training_logs/{name}.log ...",
        "  Result: Direction accuracy 54.2% (base rate unknown), pred_std 0.0423 - NOTHING SHOWN "
        "(no base rate to compare with) [lines 14, 15]",
        "  WFE: 58.3% - PASS [line 17]",
        "  Sharpe 0.87 [line 18]",
    ]
    assert " Please run:\n    geiger backtest AAPL --model lstm\n" in answer.out
    assert not re.search("SIGNAL|GOOD|ready", answer.out, re.I)


def test_new_means_new_since_the_last_analysis(logs: Path, call: Call) -> None:
    write(logs)
    assert "Analyzing" in call("logs", "analyze").out
    assert call("logs", "analyze").out.startswith("No new logs among 1 in training_logs")
    write(logs, 1, "MSFT")
    second = call("logs", "analyze").out
    assert "MSFT_lstm" in second
    assert "Analyzing training_logs/AAPL" not in second
    assert second.count("Analyzing") == 1
    assert call("logs", "analyze", "--all").out.count("Analyzing") == 2
    assert [log["new"] for log in call("logs", "list", "--json").json["logs"]] == [False, False]


def test_list_filters_and_limits(logs: Path, call: Call) -> None:
    write(logs, 0)
    write(logs, 1, "MSFT", Status.COLLAPSED)
    write(logs, 2, "MSFT", None)
    names = lambda *words: [log["symbol"] for log in call("logs", "list", "--json", *words).json["logs"]]  # noqa: E731
    assert names() == ["MSFT", "MSFT", "AAPL"]
    assert names("--symbol", "AAPL") == ["AAPL"]
    assert names("--status", "NONE") == ["MSFT"]
    assert names("--status", "COLLAPSED") == ["MSFT"]
    assert names("--model", "gbm_xgb") == []
    assert names("--model", "lstm_regressor") == ["MSFT", "MSFT", "AAPL"], "another name of the same model"
    assert names("--limit", "1") == ["MSFT"]
    text = call("logs", "list", "--limit", "1").out
    assert "2 older ones not shown" in text
    assert "no STATUS" in text


def test_show_and_compare(logs: Path, call: Call) -> None:
    one, other = write(logs), write(logs, 1)
    shown = call("logs", "show", one.stem)
    assert re.search(r"^  WFE +60\.0% +line 15$", shown.out, re.M)
    assert call("logs", "show", one.stem, "--json").json["lines"]["FINAL METRICS/WFE"] == 15
    table = call("logs", "compare", one.stem, other.stem)
    assert f"A  {one.stem}: SUCCESS" in table.out
    facts = call("logs", "compare", one.stem, other.stem, "--json").json
    assert {figure["name"] for figure in facts["figures"]} >= {"WFE", "Test Sharpe"}
    assert facts["settings"] == {}
    assert "give 2 to 10 different logs, got 1" in call("logs", "compare", one.stem, one.stem).complaint
    assert "no log 'NO'" in call("logs", "show", "NO").complaint


def test_compare_says_what_forbids_comparing(logs: Path, call: Call) -> None:
    one, other = write(logs), write(logs, 1, "MSFT")
    facts = call("logs", "compare", one.stem, other.stem, "--json").json
    assert any("different symbols" in caution for caution in facts["cautions"])
    assert facts["settings"]["Symbol"] == {one.stem: "AAPL", other.stem: "MSFT"}


def test_no_folder_and_an_empty_one(logs: Path, call: Call) -> None:
    assert "no such folder" in call("logs", "list", "--log-dir", "none").complaint
    assert call("logs", "analyze").out.startswith("no logs in training_logs")
    assert call("logs", "list").out.startswith("no logs in training_logs")


def test_hostile_logs_neither_crash_it_nor_reach_the_terminal(logs: Path, call: Call) -> None:
    rng = np.random.default_rng(3)
    good = write(logs).read_bytes()
    for i in range(40):
        data = bytearray(good + b"\x1b[2J\x1b]0;x\x07=== WARNINGS ===\nX: \x9b31m\xff\n")
        for at in rng.integers(0, len(data), 25):
            data[at] = int(rng.integers(0, 256))
        (logs / f"H{i}_lstm_20250101_0000{i:02d}.log").write_bytes(bytes(data))
        (logs / f"H{i}_lstm_20250101_0000{i:02d}.jsonl").write_bytes(bytes(data[::-1]))
    (logs / "E\x1b[31mVIL_lstm_20250101_000000.log").write_text(PLAN_LOG)
    (logs / "odd.log").write_text('=== TRAINING CONFIG ===\nSymbol: $(reboot)\nModel: "; rm\n')
    for words in (["list", "--all"], ["analyze", "--all", "--limit", "99"], ["analyze", "--all", "--json"]):
        answer = call("logs", *words)
        assert answer.code == 0
        assert answer.err == ""
        assert all(line.isprintable() for line in answer.out.splitlines()), words
        assert "$(reboot)" not in "".join(w for w in answer.out.splitlines() if "geiger" in w)


def test_the_case_of_one_log_remembers_nothing(logs: Path) -> None:
    path = write(logs, status=None)
    os.utime(path, (1.0, 1.0))
    os.utime(path.with_suffix(".jsonl"), (1.0, 1.0))
    assert [finding.code for finding in ask_all(case_of(path))] == ["GC101"]
    assert not (logs / INDEX).exists()


@pytest.mark.parametrize("json_too", [False, True])
def test_watch_reports_each_log_when_it_ends(logs: Path, call: Call, json_too: bool) -> None:
    write(logs)  # ended before: not reported
    half = RunLogWriter(logs, "HALF", "lstm", now=datetime(2025, 12, 29, 15, 0, 0))
    half.config({"Recipe": "quick"})

    def later() -> None:
        time.sleep(0.8)
        half.finish(Status.COLLAPSED, figures=[Figure("Prediction Std", 0.001, "number")])
        with RunLogWriter(logs, "NEW", "lstm", now=datetime(2025, 12, 29, 16, 0, 0)) as log:
            log.warn(Notice("LEAK_SUSPECT", "too good"))
            log.finish(Status.SUCCESS)

    thread = threading.Thread(target=later)
    thread.start()
    answer = call("logs", "watch", "--count", 2, "--seconds", 60, *(["--json"] if json_too else []))
    thread.join()
    assert answer.code == 0
    if json_too:
        told = [json.loads(line) for line in answer.out.splitlines()]
        assert {log["symbol"]: log["ready"] for log in told} == {"HALF": False, "NEW": False}
    else:
        assert "Watching training_logs" in answer.out
        assert "GC201" in answer.out
        assert "GC401" in answer.out
        assert "AAPL" not in answer.out


def test_watch_can_stop_by_time(logs: Path, call: Call) -> None:
    assert call("logs", "watch", "--seconds", 1).code == 0
    assert "--count must be at least 1" in call("logs", "watch", "--count", 0).complaint
