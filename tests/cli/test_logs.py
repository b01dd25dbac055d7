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
from dataclasses import dataclass, replace
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
from geiger.cli.logs import SORTS
from geiger.cli.parser import LOG_SORTS, build_parser
from geiger.figures import FigureName
from geiger.market.synthetic import planted_market
from geiger.records import Answer, Figure, Notice, Status
from geiger.runlog import RunLogWriter
from geiger.settings import override
from helpers.cases import GREEN
from helpers.verdicts import VERDICT

SMALL = {"min_train": 200, "lockbox": 50, "refit": 60, "max_folds": 4}
DATA = "my prices"
SOURCE = "--data 'my prices' --context none"
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
    (root / DATA).mkdir()
    prices = planted_market(2600, 1, 0.02).prices
    for symbol in ("AAA", "BBB", "CCC", "DDD", "FFF"):
        as_export(prices).write_csv(root / DATA / f"{symbol}.csv")
    names: dict[str, str] = {}
    small = override(recipe("quick"), SMALL)

    def train(how: str, model: str, changes: dict[str, Any], symbol: str = "AAA", **more: Any) -> None:
        experiment = Experiment(
            symbol, model, override(small, changes), data=Path(DATA), context="none", **more
        )
        names[how] = run(experiment).name

    with chdir(root):
        train("good", "lgb", {"min_train": 1500})
        train("collapsed", "lgb", {"lgb": {"learning_rate": 1e-7}}, "BBB")
        train("biased", "own", {}, "CCC", estimator=OneSign())
        train("over-fitted", "xgb", {"xgb": {"max_trees": 150, "depth": 8, "learning_rate": 0.3}}, "DDD")
        names["killed"] = _killed(root)
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


def as_export(prices: pl.DataFrame) -> pl.DataFrame:
    """Return prices as an export has them."""
    names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    told = {name: pl.col(column) for name, column in names.items()}
    return prices.select(**told, **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")})


def _killed(root: Path) -> str:
    """Kill a run once it has written a fold, and return the name of its log."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom geiger import Experiment, recipe, run\n"
        "from geiger.settings import override\n"
        f"config = override(recipe('quick'), {SMALL | {'max_folds': 9, 'catboost': {'max_trees': 400}}!r})\n"
        "run(Experiment('FFF', 'catboost', config, data=Path(sys.argv[1]), context='none'))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, DATA], cwd=root)
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
    done, there = lab.analyzed(), f" --log-dir {shlex.quote(str(lab.logs))}"
    good = done["good"]
    assert (good.result == "GOOD") == good.ready == (good.answer == "SIGNAL"), good.findings
    assert good.conclusion.startswith("Ready") == good.ready
    looked = f"geiger report {lab.names['good']}{there}"
    traded = f"geiger backtest AAA --run {lab.names['good']} --again{there}"
    assert good.next == (traded if good.ready else looked)
    assert {"GC201", "GC302"} <= codes(done["collapsed"])
    assert not done["collapsed"].ready
    assert done["collapsed"].next == f"geiger train lgb BBB {SOURCE} --recipe default{there}"
    assert "GC202" in codes(done["biased"])
    assert not done["biased"].ready
    assert {"GC111", "GC112", "GC204"} <= codes(done["over-fitted"])
    assert "GC101" in codes(done["killed"])
    assert done["killed"].next == f"geiger train catboost FFF {SOURCE} --recipe quick{there}"
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
    ranks = [
        (step.kind, ["FAIL", "READY", "NEXT", "WARN", "NOTE"].index(step.severity)) for step in analysis.steps
    ]
    assert ranks == sorted(ranks), "what makes something new comes before what only shows"


@pytest.mark.slow
def test_the_plans_example_session(own: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Train, analyze, backtest, analyze: each line as it is typed."""
    with chdir(own.root):
        assert main(["logs", "analyze", own.names["good"]]) == 0
        said = capsys.readouterr().out
        assert re.match("AAA lgb: (SIGNAL|NO SIGNAL|CANNOT TELL): ", said), "the answer first"
        assert "  Result: Direction accuracy " in said
        assert "pred_std 0." in said
        assert "  WFE: " in said
        assert len(said.splitlines()) <= 25
        assert main(shlex.split(f"backtest AAA --run {own.names['good']} --rule sign")) == 0
        assert f"forecasts of {own.names['good']}" in capsys.readouterr().out
        assert main(["logs", "analyze", "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        backtested = [log for log in facts["logs"] if log["model"] == "backtest"]
        assert [log["symbol"] for log in backtested] == ["AAA"]
        assert backtested[0]["next"] == f"geiger report {backtested[0]['name']}"
        assert main(shlex.split(backtested[0]["next"])[1:]) == 0


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
    """The plan's words where its user expects them, each with what it rests on."""
    name = "AAPL_lstm_20251229_143022"
    (logs / f"{name}.log").write_text(PLAN_LOG)
    answer = call("logs", "analyze")
    assert answer.code == 0
    assert answer.out.splitlines() == [
        f"Analyzing training_logs/{name}.log ...",
        "  Result: Direction accuracy 54.2% (base rate unknown), pred_std 0.0423 - GOOD",
        "    (by the plan's gates alone; no verdict and no base rate, so no word on",
        "    skill)",
        "  WFE: 58.3% - PASS",
        "  Sharpe 0.87",
        "  Verdict: not evaluated (no figure here says by itself whether this is skill or",
        "    luck)",
        "",
        "No findings: no check fires.",
        "",
        "What to do next",
        "  1. Ready for backtest. Please run:",
        "     geiger backtest AAPL --model lstm",
        f"Why, with the lines: geiger logs analyze {name} -v",
    ]
    assert "[lines 14, 15]" in call("logs", "analyze", name, "-v").out


def test_new_means_new_since_the_last_analysis(logs: Path, call: Call) -> None:
    write(logs)
    assert "Analyzing" in call("logs", "analyze").out
    assert call("logs", "analyze").out.startswith("No new logs among 1 in training_logs")
    write(logs, 1, "MSFT")
    second = call("logs", "analyze").out
    assert "MSFT_lstm" in second
    assert "AAPL_lstm" not in second
    assert call("logs", "analyze", "--all").out.startswith("2 logs in training_logs: ")
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
    assert "Settings" not in shown.out
    assert "\nSettings\n" in call("logs", "show", one.stem, "-v").out
    assert call("logs", "show", one.stem, "--json").json["lines"]["FINAL METRICS/WFE"] == 15
    table = call("logs", "compare", one.stem, other.stem)
    assert f"A  {one.stem}: SUCCESS" in table.out
    facts = call("logs", "compare", one.stem, other.stem, "--json").json
    assert {figure["name"] for figure in facts["figures"]} >= {"WFE", "Test Sharpe"}
    assert facts["settings"] == {}
    assert "give two different logs or more, got 1" in call("logs", "compare", one.stem, one.stem).complaint
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
    listed = (["list", "--all"], ["list", "--sort", "verdict"])
    analyzed = ["analyze", "--all", "--limit", "99"]
    for words in (*listed, analyzed, [*analyzed, "-v"], ["analyze", "--all", "--json"]):
        answer = call("logs", *words)
        assert answer.code == 0
        assert answer.err == ""
        assert all(line.isprintable() for line in answer.out.splitlines()), words
        assert "$(reboot)" not in "".join(w for w in answer.out.splitlines() if "geiger" in w)


FIGURES = ("Direction Accuracy", "Base Rate", "Test Sharpe", "Buy & Hold Sharpe", "Correlation")


def judged(
    folder: Path,
    second: int,
    answer: Answer | None,
    p: float,
    *figures: float,
    symbol: str = "AAPL",
    model: str = "ridge",
) -> str:
    """Write the log of a run with this verdict, and return its name."""
    verdict = None
    if answer is not None:
        verdict = replace(VERDICT, answer=answer, sentence="so it is", corrected_p=p)
    with RunLogWriter(folder, symbol, model, now=datetime(2025, 12, 29, 14, 30, second)) as log:
        log.config({"Recipe": "default", "Data Hash": "abc", "Context": "SPY"})
        told = [FigureName(name).of(value) for name, value in zip(FIGURES, figures, strict=True)]
        told.append(Figure("Prediction Std", 0.06, "number"))
        log.finish(Status.SUCCESS, figures=told, verdict=verdict, audit=GREEN)
    assert log.path is not None
    return log.path.stem


def test_list_sorts_and_fits_a_terminal(logs: Path, call: Call) -> None:
    worst = judged(logs, 1, Answer.NO_SIGNAL, 0.6, 0.50, 0.55, -0.30, 0.74, -0.02)
    best = judged(logs, 2, Answer.SIGNAL, 0.001, 0.56, 0.55, 0.90, 0.74, 0.08)
    between = judged(logs, 3, Answer.CANNOT_TELL, 0.2, 0.57, 0.55, 0.80, 0.74, 0.03)
    bare = write(logs, 4, "A_NAME_THAT_IS_LONGER_THAN_ANY_TABLE_HAS_ROOM_FOR").stem

    def order(*words: str) -> list[str]:
        return [log["name"] for log in call("logs", "list", "--json", *words).json["logs"]]

    assert order() == [bare, between, best, worst]
    assert order("--reverse") == [worst, best, between, bare]
    assert order("--sort", "verdict") == order("--sort", "p") == [best, between, worst, bare]
    assert order("--sort", "accuracy") == [between, best, worst, bare]
    assert order("--sort", "sharpe") == order("--sort", "correlation") == [best, between, worst, bare]
    assert order("--sort", "sharpe", "--limit", "1") == [best]
    assert order("--sort", "sharpe", "--reverse")[1:] == [worst, between, best]
    lines = call("logs", "list").out.splitlines()
    assert lines[0].split() == ["log", "verdict", "p", "acc/base", "Sharpe/hold", "findings"]
    assert lines[2].split() == [between, "CANNOT", "TELL", "0.200", "57.0/55.0%", "0.80/0.74", "new"]
    assert max(map(len, lines)) <= 100
    assert "-  -" not in "\n".join(lines), "what is not known is left blank"
    assert set(LOG_SORTS) == {"began", *SORTS}


def test_one_log_is_told_in_25_lines_of_80_columns(logs: Path, call: Call) -> None:
    name = judged(logs, 1, Answer.CANNOT_TELL, 0.2, 0.537, 0.553, 0.51, 0.74, 0.03)
    lines = call("logs", "analyze").out.splitlines()
    assert lines[0] == "AAPL ridge: CANNOT TELL: so it is"
    assert len(lines) <= 25
    assert all(len(line) <= 80 for line in lines if " geiger " not in line), lines
    text = " ".join(line.strip() for line in lines)
    assert "Direction accuracy 53.7% (base rate 55.3%), pred_std 0.0600 - NOTHING SHOWN" in text
    assert "Effect: slope 0.41" in text
    assert "Sharpe 0.51, buy and hold 0.74" in text
    assert not re.search("ready|good", text, re.I), "nothing was found"
    assert call("logs", "show", name).out.startswith(lines[0])


def test_twelve_logs_are_told_in_60_lines_of_80_columns(logs: Path, call: Call) -> None:
    answers = [*[Answer.NO_SIGNAL] * 6, *[Answer.CANNOT_TELL] * 4, Answer.SIGNAL, None]
    names = [
        judged(logs, n, answer, 0.5 - n / 24, 0.53, 0.55, n / 10, 0.74, n / 100, symbol=f"S{n % 4}")
        for n, answer in enumerate(answers)
    ]
    text = call("logs", "analyze").out
    lines = text.splitlines()
    assert lines[0] == "12 logs in training_logs: 1 SIGNAL, 4 CANNOT TELL, 6 NO SIGNAL, 1 no verdict"
    assert "0 of 11 ring (p below 0.01); by chance 0.11 would" in text
    assert "Best of 12: " in text
    assert len(lines) <= 60
    assert all(len(line) <= 80 for line in lines if " geiger " not in line), lines
    table = [line.split()[0] for line in lines if line.startswith("S") and "_ridge_" in line]
    assert table[0] == names[10]
    assert sorted(table) == sorted(names)
    assert text.count("geiger backtest") <= 5
    full = call("logs", "analyze", "--all", "-v").out
    assert full.count("Analyzing training_logs/") == 12


def test_the_logs_of_a_demo_fit_a_screen(logs: Path, call: Call) -> None:
    """Six logs of one symbol, each with a handful of findings: as many as `geiger demo` leaves."""
    models = ("ridge", "lstm", "gbm_xgb", "gbm_lgb", "gbm_catboost", "stack")
    for n, model in enumerate(models):
        judged(logs, n, Answer.CANNOT_TELL, 0.1 * n, 0.54, 0.553, 1.1 + n / 9, 1.04, 0.05, model=model)
    for path in logs.glob("*.jsonl"):  # warnings that each run had of its own
        events = path.read_text().splitlines()
        notice = '{"schema": 1, "event": "warning", "code": "%s", "text": "a doubt"}'
        codes = ("DATA_GAPS", "FALLBACK", "LOCKBOX_OPEN", "FILL_CLOSE", "CONTEXT_MISSING")
        path.write_text("\n".join([*events[:-1], *(notice % code for code in codes), events[-1]]) + "\n")
    lines = call("logs", "analyze").out.splitlines()
    assert len(lines) <= 30
    assert lines[0] == "6 logs in training_logs: 6 CANNOT TELL"
    assert sum(line.startswith(("  WARN", "  NOTE")) for line in lines) >= 5
    assert "What to do next" in lines


def test_many_runs_are_compared_in_rows_and_across_symbols_nothing_is_ranked(logs: Path, call: Call) -> None:
    names = [
        judged(logs, n, Answer.NO_SIGNAL, 0.5, 0.53, 0.55, n / 10, 0.74, n / 100, symbol="AB"[n % 2])
        for n in range(12)
    ]
    out = call("logs", "compare", *names).out
    assert re.search(r"^1 +A_ridge_\S+ +NO SIGNAL +0\.500 +53\.0/55\.0% +1\.00/0\.74$", out, re.M)
    assert "Group 2: 6 runs of B" in out
    assert "Nothing is starred or ranked across the groups" in out
    assert "different symbols" in out
    assert "*" not in out
    alike = call("logs", "compare", names[0], names[2]).out
    assert re.search(r"^Test Sharpe +0\.20 \* +0\.00 ", alike, re.M), "the better one stands first"


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
