"""What commands do with the run of a panel: backtest, replay, predict, judge, logs; what they refuse."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from geiger.runs.folder import RunsFolder, StoredRun
from geiger.service.answers import Answers
from helpers.panels import ENDED, NAME, SYMBOLS

from .conftest import Call


@pytest.fixture
def trained(call: Call, twelve: Path) -> StoredRun:
    """The run, in the folders that commands take by themselves."""
    shutil.copytree(twelve / "runs", "runs")
    shutil.copytree(twelve / "logs", "training_logs")
    found = RunsFolder(Path("runs")).newest(NAME)
    assert found is not None
    return found


def test_a_backtest_has_a_log_and_a_run_of_its_own(call: Call, trained: StoredRun) -> None:
    told = call("backtest", NAME, "--cost-bps", "20")
    assert told.code == 0, told.err
    assert f"{NAME} ridge: forecasts of {trained.name}" in told.out
    assert "At 20 bp" in call("backtest", NAME, "--cost-bps", "20", "-v").out
    (facts,) = call("backtest", "--run", trained.name, "--cost-bps", "4", "--json").json
    stored = RunsFolder(Path("runs")).load(facts["run"])
    assert stored.record.forecasts_of == trained.name
    assert Path(facts["log"]).name.startswith(f"{NAME}_backtest_")
    assert facts["figures"] != trained_figures(trained)
    whole = call("replay", facts["run"])
    assert whole.code == 0
    assert "ledger: bit-identical" in whole.out


def test_a_backtest_that_would_repeat_the_training_shows_it(call: Call, trained: StoredRun) -> None:
    told = call("backtest", NAME)
    assert "so its ledger is this backtest: no new run" in " ".join(told.out.split())
    (facts,) = call("backtest", "--run", "latest", "--json").json
    assert (facts["run"], facts["figures"]) == (trained.name, trained_figures(trained))
    assert not list(Path("runs").glob("*_backtest_*"))


def trained_figures(trained: StoredRun) -> list[object]:
    from geiger.codec import plain

    return list(plain(trained.record.results.figures))


def test_only_costs_change_a_backtest(call: Call, trained: StoredRun) -> None:
    for option, value in (("--rule", "sign"), ("--risk", "aggressive"), ("--refit", "5"), ("--data", "x")):
        complaint = call("backtest", NAME, option, value).complaint
        assert f"{option}: a panel's backtest trades what its run forecast" in complaint
    assert "no run of xgb" in call("backtest", NAME, "--model", "xgb").complaint


def test_a_replay_says_that_all_bits_are_the_same(call: Call, trained: StoredRun) -> None:
    told = call("replay", trained.name)
    assert told.code == 0, told.err
    assert "ridge scores: bit-identical on all" in told.out
    assert told.out.splitlines()[-1] == f"{trained.name}: bit-identical"
    assert call("replay", trained.name, "--json").json["same"] is True
    assert "--target" in call("replay", trained.name, "--target", "own.py:target").complaint


def test_tomorrows_ranking_stands_behind_its_verdict(call: Call, trained: StoredRun) -> None:
    told = call("predict", NAME)
    assert told.code == 0, told.err
    assert told.out.startswith(f"{NAME} ridge: CANNOT TELL: ")
    assert "nothing speaks for holding them" in " ".join(told.out.split())
    assert f"No place: {ENDED}: no bar of " in told.out
    (facts,) = call("predict", "--run", trained.name, NAME, "--json").json
    assert {row["symbol"] for row in facts["ranking"]} == set(SYMBOLS) - {ENDED}
    assert "--save is for a symbol alone" in call("predict", NAME, "--save").complaint
    assert "not of AAPL" in call("predict", "AAPL", "--run", trained.name).complaint


def test_a_panel_is_judged_once_more(call: Call, trained: StoredRun) -> None:
    told = call("judge", trained.name, "--json").json
    assert told["verdict"]["panel"]["symbols"] == len(SYMBOLS)
    before = trained.record.verdict
    assert before is not None
    assert (told["verdict"]["p_value"], told["verdict"]["days"]) == (before.p_value, before.days)
    lines = call("trials", "list", "--json").json["lines"]
    assert {line["symbol"] for line in lines} == {NAME}
    assert call("trials", "list", "--json").json["trials"] == 3, "judging again is no further try"


def test_what_is_made_for_one_symbol_is_refused_in_plain_words(call: Call, trained: StoredRun) -> None:
    for words in (("unseal", trained.name), ("calibrate", "--here", trained.name)):
        assert f"{trained.name}: is a run of a panel" in call(*words).complaint


def test_the_log_analyzer_reads_panels(call: Call, trained: StoredRun) -> None:
    call("backtest", NAME, "--cost-bps", "20")
    listed = call("logs", "list", "--symbol", NAME, "--json").json["logs"]
    assert [one["trouble"] for one in listed] == [None, None]
    said = call("logs", "analyze", "--all", "-v")
    assert said.code == 0, said.err
    assert "Rank IC " in said.out
    assert "WFE: undefined - NOT APPLICABLE" in said.out
    for command in (line.partition("Next: ")[2] for line in said.out.splitlines() if "Next: " in line):
        assert not command.startswith((f"geiger train ridge {NAME}", "geiger data show", "geiger predict"))
        assert "--rule" not in command
    shown = call("logs", "show", trained.name, "-v")
    assert "Cross-section" in shown.out
    assert "Members:" in shown.out
    names = [one["name"] for one in listed]
    figures = call("logs", "compare", *names, "--json").json["figures"]
    ranked = next(figure for figure in figures if figure["name"] == "Rank IC a day")
    assert len(set(ranked["values"].values())) == 1, "costs change no score"
    assert all(line is not None for line in ranked["lines"].values())


def test_the_service_hands_out_forecasts_by_symbol(call: Call, trained: StoredRun) -> None:
    answers = Answers(Path("training_logs"), Path("runs"))
    rows = answers.forecasts(trained.name, limit=12)["forecasts"]
    assert {row["symbol"] for row in rows} <= set(SYMBOLS)
    assert answers.show_run(trained.name)["symbol"] == NAME
    assert answers.analyze_runs([trained.name])["logs"][0]["name"] == trained.name
