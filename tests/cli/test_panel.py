"""A panel from the command line: trained, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from geiger.records import Status
from geiger.runs.folder import RunsFolder
from helpers.panels import NAME, SYMBOLS, TOML

from .conftest import Call


@pytest.fixture
def line(twelve: Path, tmp_path: Path) -> tuple[object, ...]:
    """What trains the small panel."""
    (tmp_path / "panel.toml").write_text(TOML)
    (tmp_path / "symbols.txt").write_text("\n".join(SYMBOLS))
    small = ("--recipe", "quick", "--config", tmp_path / "panel.toml", "--context", "none")
    data = ("--symbols-file", tmp_path / "symbols.txt", "--data", twelve / "prices")
    return ("train", "ridge", "--panel", NAME, *data, *small)


def test_a_panel_is_trained_and_the_answer_comes_first(call: Call, line: tuple[object, ...]) -> None:
    told = call(*line)
    assert told.code == 0, told.err
    lines = told.out.splitlines()
    assert lines[0].startswith(f"{NAME}: 12 symbols, 760 days from ")
    answer = next(i for i, text in enumerate(lines) if text.startswith(f"{NAME} ridge: CANNOT TELL: "))
    assert any(text.startswith(f"{NAME} ridge: 5 folds of ridge") for text in lines[:answer])
    assert len(lines) - answer <= 10
    assert max(map(len, lines[answer:])) <= 80
    run = RunsFolder(Path("runs")).newest(NAME)
    assert run is not None
    assert run.record.status is Status.SUCCESS
    assert (Path("training_logs") / f"{run.name}.log").exists()
    assert f"  Run       {run.folder}" in lines
    full = call(*line, "-v").out.splitlines()
    assert any(text.startswith("  all days ") for text in full)


def test_a_dry_run_trains_nothing(call: Call, line: tuple[object, ...]) -> None:
    (facts,) = call(*line, "--dry-run", "--json").json
    assert facts["panel"] == NAME
    assert facts["symbols"] == list(SYMBOLS)
    assert facts["folds"] == {"ridge": 5}
    assert not list(Path().glob(f"runs/{NAME}_*"))


def test_what_no_panel_has_is_refused(call: Call, line: tuple[object, ...]) -> None:
    for option, value in (("--target", "own.py:target"), ("--features", "own.py:features")):
        assert option in call(*line, option, value).complaint
    for option, value in (("--rule", "sign"), ("--risk", "aggressive")):  # it is traded long/short
        assert option in call(*line, option, value).complaint
    assert "panel TWELVE" in call("train", "ridge", "--panel", NAME, "P00", "P01").complaint
