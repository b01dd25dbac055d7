"""``geiger calibrate``: what it says, what it leaves, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geiger.cli import calibrate as command
from geiger.cli.parser import TIERS
from geiger.evidence.error_rates import error_rates
from geiger.studies import calibration
from geiger.studies.calibration import Cell, Pipeline

Call = Any
LIGHT = Pipeline("ridge", rows=300, refit=150, seeds=1)
CELLS = (Cell(LIGHT, "GARCH-t", 0.0, 2), Cell(LIGHT, "regimes", 0.0, 1), Cell(LIGHT, "volume", 0.1, 1))
SMALL = ("--recipe", "quick", "--min-train", "200", "--lockbox", "50", "--refit", "60")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "TIERS", dict.fromkeys(TIERS, CELLS))


def test_the_options_name_every_tier() -> None:
    assert tuple(calibration.TIERS) == TIERS


@pytest.mark.usefixtures("few")
def test_quick_counts_on_made_markets_and_a_second_one_makes_nothing(call: Call) -> None:
    said = call("calibrate", "--quick", "--workers", 1, "--out", "rates/mine.json")
    assert said.code == 0, said.err
    assert said.out.startswith("quick: 4 paths, 4 markets to make\n")
    assert "of 2 (0.0% to" in said.out
    assert "(300 days, fitted every 150 days)" in said.out
    for word in ("nothing to find", "something to find", "volume, R2 10%", "gate of the plan", "WFE > 50%"):
        assert word in said.out
    again = call("calibrate", "--workers", 1, "--json")
    assert again.code == 0
    (table,) = again.json
    assert (table["model"], table["rows"], table["null"][0]["n"]) == ("ridge", 300, 2)
    found = error_rates("ridge", "default", 300, folder=Path("rates"))
    assert found is not None
    assert found.text() == table["text"]
    assert call("calibrate", "--workers", 1).out.startswith("quick: 4 paths, 0 markets to make\n")


@pytest.mark.usefixtures("few")
def test_time_that_is_up_leaves_the_rest_for_later(call: Call) -> None:
    said = call("calibrate", "--tier", "standard", "--minutes", 0, "--workers", 1)
    assert (said.code, said.out.splitlines()[-1]) == (0, "4 markets are missing; the same command goes on")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--workers", "0"), "--workers must be at least 1, got 0"),
        (("--paths", "0", "--here", "X"), "--paths must be at least 1, got 0"),
        (("--minutes", "-1"), "--minutes must be 0 or more"),
        (("--here", "AAA_ridge_20240105_143022"), "AAA_ridge_20240105_143022"),
    ],
)
def test_what_cannot_be_is_said(call: Call, words: tuple[str, ...], text: str) -> None:
    said = call("calibrate", *words)
    assert said.code == 1
    assert text in said.complaint


def test_here_holds_a_source_to_a_run(call: Call, data: Path) -> None:
    quiet = ("--no-audit", "--no-check-source", "--json")
    trained = call("train", "ridge", "AAA", "--data", data, *SMALL, *quiet)
    assert trained.code == 0, trained.err
    name = trained.json[0]["run"]
    said = call("calibrate", "--here", name, "--paths", 2)
    assert said.code == 0, said.err
    assert said.out.startswith("AAA ridge: on these very prices it rang falsely in ")
    for word in ("R2 0.25%", "R2 5%", "Planted: minus the return of five days", "fitted every 240 days"):
        assert word in said.out
    kept = call("calibrate", "--here", name, "--paths", 2, "--json")
    assert kept.json["null"]["r2"] == 0.0
    assert kept.json["verdict"] in ("ok", "broken", "too little data")
    assert len(kept.json["planted"]) == 4
    assert len(list(Path("runs/checks").iterdir())) == 1
