from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import geiger.cli.demo

Call = Any


@pytest.mark.slow
def test_the_demo_of_one_model_ends_with_its_page(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geiger.cli.demo, "MODELS", ("ridge",))
    shown = call("demo", "--recipe", "quick")
    assert shown.code in (0, 3), shown.err
    (run,) = Path("runs").glob("AAPL_ridge_*")
    for words in (
        "AAPL 2000-2013 with the S&P 500 as context, embedded prices, recipe 'quick'.",
        "1 models, about",
        "Backtest of ridge, beside the baselines",
        f"geiger replay {run.name}",
    ):
        assert words in shown.out
    *_, page_line, _, answer, rates, check = shown.out.rstrip().splitlines()
    page = Path(page_line.rpartition(": ")[2])
    assert answer.startswith("AAPL ridge: CANNOT TELL: ")
    assert rates.startswith("  Error rates: ")
    assert check.startswith("  Check source of ridge: on these very prices it rang falsely in ")
    assert run.name in page.read_text(encoding="utf-8")
    assert len(list(Path("training_logs").glob("*.log"))) == 2  # of the run and of its backtest
