"""``geiger audit``: what it prints, its exit codes, and one plain line where it cannot be made."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from geiger.audit import door, panel_door
from geiger.audit.cuts import INSIDE
from geiger.audit.panel_proof import PanelScope, prove_panel
from geiger.cli.audit import audit_lines
from geiger.codec import fitted
from geiger.records import AuditSummary
from geiger.runs.audits import Audit, CanaryCheck, CutDay, Leak, StageCheck
from helpers.panels import NAME, SYMBOLS, write_panel_folder

Call = Any
WIDEST = 80
LEAKY = """\
def ahead(bars):
    return (bars["close"].shift(-1) / bars["close"]).log().fill_null(0.0)
"""


@pytest.fixture
def trained(on_data: Call) -> Path:
    on_data("train", "ridge", "AAA", "--no-audit", "--no-check-source")
    (run,) = Path("runs").glob("AAA_ridge_*")
    return run


def test_a_green_audit_is_noted_and_shown_by_every_door(trained: Path, on_data: Call, call: Call) -> None:
    assert "Audit: none (`geiger audit --run" in call("replay", trained.name).out
    found = call("audit", "--run", trained.name)
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("AAA ridge: GREEN, nothing that was decided by a day moved")
    assert max(map(len, found.out.splitlines())) <= WIDEST
    verdict = json.loads((trained / "run.json").read_text())["verdict"]
    assert f"Verdict: {verdict['answer']}: " in found.out
    assert "NOT_AUDITED" not in [reason["code"] for reason in verdict["reasons"]]
    line = "Audit: " + fitted(json.loads((trained / "run.json").read_text())["audit"], AuditSummary).text()
    assert line in call("replay", trained).out
    assert line in call("logs", "show", trained.name).out
    assert line in call("logs", "analyze", trained.name).out
    assert "GC701" not in call("logs", "analyze", trained.name).out
    (report,) = call("report", trained, "--json").json["audits"].values()
    assert report["color"] == "green"
    again = on_data("train", "ridge", "AAA", "-v")
    assert f"  {line}\n" in again.out, "the next training of the same finds it"
    traded = call("backtest", "--run", trained.name, "--cost-bps", 30, "-v")
    assert f"{line}, of other trading settings" in traded.out
    assert call("audit", "--run", trained.name, "--json").json["run"] == trained.name


def test_a_red_audit_names_the_leak_its_cause_and_its_mend(on_data: Call, call: Call) -> None:
    Path("mine.py").write_text(LEAKY)
    own = ("--features", "mine.py:ahead")
    red = on_data("audit", "AAA", *own)
    assert red.code == 3
    assert red.out.startswith("AAA ridge: RED, look-ahead in features: ahead\n")
    assert "Likely cause: its last row reads the next one: shift(-1)" in red.out
    assert "Mend: use rows up to the day itself" in red.out
    assert max(map(len, red.out.splitlines())) <= WIDEST
    document = on_data("audit", "AAA", *own, "--json")
    assert (document.code, document.err) == (3, "")
    assert document.json["color"] == "red"
    assert document.json["leaks"][0]["column"] == "ahead"
    run = on_data("train", "ridge", "AAA", *own, "-v")
    assert "; look-ahead in features: ahead" in run.out
    assert (
        on_data("train", "ridge", "AAA", *own, "--json").json[0]["audit"]["mend"].startswith("use rows up to")
    )
    name = max(path.stem for path in Path("training_logs").glob("*.log"))  # the other one was repeated by it
    told = call("logs", "analyze", name).out
    assert "GC702 The audit is red" in told
    assert told.index("Audit: red") < told.index("Result:")
    assert "1. GC702 The audit is red:\n     geiger train ridge AAA --data" in told
    assert "--features" not in told.split("1. GC702")[1].split("2.")[0], "first without what looks ahead"
    shown = call("logs", "show", name, "-v").out
    assert "Mend: use rows up to the day itself" in shown


@pytest.mark.slow
def test_stages_of_ours_are_audited_once_unless_all_is_asked_for_again(on_data: Call) -> None:
    first = on_data("audit", "AAA", "--json").json
    second = on_data("audit", "BBB", "--json").json
    assert second["elsewhere"]["symbol"] == "AAA"
    told = on_data("audit", "BBB").out
    assert "scaler ... fills: audited on AAA on" in " ".join(told.split())
    assert on_data("audit", "BBB", "--again", "--json").json["elsewhere"] is None
    assert len(second["stages"]) < len(first["stages"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("AAA", "BBB"), "one symbol at a time, got AAA, BBB; audit each by itself"),
        (("AAA", "--model", "rigde"), "no model 'rigde': did you mean 'ridge'?"),
        ((), "no symbol given; name at least one"),
        (("NONE",), "NONE"),
        (("--run", "AAA_ridge_20240105_143022"), "no finished run there; `geiger train` makes one"),
        (("--run", "nonsense"), "runs: no finished run is called 'nonsense' or begins so"),
    ],
)
def test_what_cannot_be_audited_is_said_in_one_line(
    call: Call, data: Path, words: tuple[str, ...], said: str
) -> None:
    place = () if "--run" in words else ("--data", data)
    found = call("audit", *words, *place)
    assert (found.code, found.out) == (1, "")
    assert said in found.complaint


@pytest.mark.parametrize(
    "words", [("--model", "ridge"), ("--recipe", "quick"), ("--data", "data"), ("--seeds", "2")]
)
def test_a_run_is_audited_as_it_was(call: Call, words: tuple[str, ...]) -> None:
    found = call("audit", *words, "--run", "AAA_ridge_20240105_143022")
    assert "--run audits what that run was" in found.complaint


def test_a_run_of_another_symbol_is_not_audited(trained: Path, call: Call) -> None:
    assert "--run audits what that run was" in call("audit", "BBB", "--run", trained.name).complaint


def test_a_run_whose_data_are_gone(trained: Path, call: Call) -> None:
    for path in Path("runs/snapshots").iterdir():
        path.unlink()
    before = (trained / "run.json").read_bytes()
    assert (
        "the data it used are gone, so it cannot be repeated"
        in call("audit", "--run", trained.name).complaint
    )
    assert (trained / "run.json").read_bytes() == before


@pytest.mark.slow
def test_a_run_of_ones_own_estimator_needs_it_again(on_data: Call, call: Call) -> None:
    Path("mine.py").write_text(
        "import numpy as np\n\n\nclass Mean:\n"
        "    def fit(self, x, y):\n        self.mean = float(np.mean(y))\n\n"
        "    def predict(self, x):\n        return np.full(len(x), self.mean)\n"
    )
    on_data("train", "own", "AAA", "--estimator", "mine.py:Mean", "--no-audit")
    (run,) = Path("runs").glob("AAA_own_*")
    (log,) = Path("training_logs").glob("AAA_own_*.log")
    assert f"geiger audit --run {run.name} --estimator FILE.py:NAME" in log.read_text()
    assert "give it again with --estimator" in call("audit", "--run", run.name).complaint
    assert call("audit", "--run", run.name, "--estimator", "mine.py:Mean").code == 0


def test_ctrl_c_leaves_nothing_behind(on_data: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*words: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(door, "prove", stopped)
    found = on_data("audit", "AAA")
    assert (found.code, found.out) == (130, "")
    assert found.complaint == "geiger: stopped"
    assert not Path("runs/audits").exists()


FOUND = Audit(
    symbol="AAPL",
    model="ridge",
    color="green",
    stages=(StageCheck(stage="features", what="columns", worlds=3, values=1_234_567, seconds=0.5),),
    cuts=(CutDay(day="2020-01-03", why="first test row"),),
    worlds=("the rows after it were removed",),
    made_at="2026-01-02T03:04:05+00:00",
)


def test_lines_fit_a_terminal_of_80_columns_however_long_names_are() -> None:
    leak = Leak(
        stage="features",
        column="a column whose name says " + "all " * 30,
        day="2020-01-02",
        size=None,
        rows=2,
        columns=3,
        world="the rows after it were removed",
        cut="2020-01-03",
        cause="it is computed over the whole series: a wavelet, EMD or filter of all rows, or a scaler",
        mend="compute it in a window that ends with the row, or fit it inside the fold, and nowhere else",
    )
    lines = "\n".join(audit_lines(replace(FOUND, color="red", leaks=(leak,)))).splitlines()
    assert max(map(len, lines)) <= WIDEST
    assert "a value came or went" in " ".join(" ".join(lines).split())


def test_a_planted_leak_that_was_missed_is_red() -> None:
    missed = CanaryCheck(name="shift", what="w", planted="features", found=None, column=None, caught=False)
    first = next(iter(audit_lines(FOUND.with_canaries((missed,)))))
    assert first.startswith("AAPL ridge: RED, a planted leak was not caught (shift)")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0.25, "by up to 0.25 of its deviation"),
        (3e14, "where it is all but constant"),
        (None, "came or went"),
    ],
)
def test_the_size_of_a_move_is_told_in_a_unit_that_means_something(size: float | None, words: str) -> None:
    leak = Leak(
        **{"stage": "features", "column": "x", "day": "2020-01-02", "size": size, "rows": 2, "columns": 1},
        **{"world": "w", "cut": "2020-01-03", "cause": "c", "mend": "m"},
    )
    lines = " ".join(" ".join(audit_lines(replace(FOUND, color="red", leaks=(leak,)))).split())
    assert words in lines


def test_green_says_where_it_ends() -> None:
    assert next(iter(audit_lines(FOUND))).startswith("AAPL ridge: GREEN, nothing")
    first = next(iter(audit_lines(replace(FOUND, blind=3))))
    assert first.startswith("AAPL ridge: GREEN as far as it goes, but 3 altered worlds")


# ---- panels


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove at one cut: how much is proved is told elsewhere."""
    scope = PanelScope(cuts=(INSIDE,), futures=("next_row",))
    monkeypatch.setattr(panel_door, "prove_panel", partial(prove_panel, scope=scope))


@pytest.mark.usefixtures("short")
def test_a_panel_is_audited_with_its_training_or_later(call: Call) -> None:
    write_panel_folder(Path("panel"))
    train = ("train", "ridge", "--panel", NAME, *SYMBOLS, "--data", "panel", "--config", "panel.toml")
    found = call(*train, "--context", "none", "--no-audit", "--json")
    (run,) = found.json
    assert run["audit"] is None
    assert "audit: was not asked for" in run["verdict"]["not_checked"]

    audited = call("audit", NAME, "--run", run["run"])
    assert audited.code == 0
    assert audited.out.startswith(f"{NAME} ridge: GREEN")
    assert max(map(len, audited.out.splitlines())) <= WIDEST
    again = call(*train, "--context", "none", "-v")
    assert "Audit: green" in again.out, "the next training of the same finds it"


def test_a_leak_of_many_symbols_names_the_first_and_counts_the_others() -> None:
    leak = Leak(
        **{"stage": "features", "column": "return_1", "day": "2020-01-01", "size": 1.0, "rows": 1},
        **{"columns": 3, "world": "the next row alone was altered", "cut": "2020-01-01"},
        **{"cause": "a", "mend": "b", "member": "KO", "members": 4},
    )
    found = Audit(
        **{"symbol": "US28", "model": "ridge", "color": "red", "stages": (), "cuts": (), "worlds": ()},
        leaks=(leak,),
        declared=("scores",),
    )
    text = "\n".join(audit_lines(found))
    assert "US28 ridge: RED, look-ahead in features: return_1 of KO" in text
    assert "return_1 of KO, and 2 more columns, and 3 more symbols" in " ".join(text.split())
    assert "Declared: scores" in text
