"""The demo of one model: one screen, the answer before the page, and all there is with -v."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import geiger.cli.demo

Call = Any


@pytest.mark.slow
def test_the_demo_of_one_model_is_one_screen_that_ends_with_its_page(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geiger.cli.demo, "MODELS", ("ridge",))
    shown = call("demo", "--recipe", "quick")
    assert shown.code in (0, 3), shown.err
    lines = shown.out.splitlines()
    (run,) = Path("runs").glob("AAPL_ridge_*")
    assert len(lines) + 5 <= 24, "five more models have a line each"
    assert max(map(len, lines)) <= 80
    assert lines[0] == ("AAPL 2000-2013 with the S&P 500 as context, embedded prices, recipe 'quick':")
    assert lines[1].startswith("1 models, about")
    assert lines[2].startswith("  AAPL ridge: CANNOT TELL, p ")
    assert lines[4].startswith("AAPL ridge: CANNOT TELL: ")
    text = " ".join(shown.out.split())
    assert "Error rates: " in text
    assert "Check source of ridge: on these very prices it rang falsely in " in text
    page, explain, following = (line.split(maxsplit=1) for line in lines[-3:])
    assert page == ["Page", f"runs/{run.name}/report.html"]
    assert explain == ["Explain", "geiger logs analyze"]
    assert following == ["Next", "geiger train ridge AAPL --data FOLDER"]
    assert run.name in Path(page[1]).read_text(encoding="utf-8")
    assert len(list(Path("training_logs").glob("*.log"))) == 1
    full = call("demo", "--recipe", "quick", "-v").out
    assert "AAPL ridge: 6 folds, 6 trainings" in full
    assert "volatility matched" in full
