"""``geiger judge``: a file of forecasts, or a run by its name, its beginning or its folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.market.synthetic import planted_market
from geiger.records import Answer

Call = Any
MARKET = planted_market(1600, 3, 0.02)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A file of forecasts that know something, and the prices."""
    day = MARKET.prices["day"]
    forecasts, prices = tmp_path / "mine.csv", tmp_path / "TEST.csv"
    pl.DataFrame({"day": day, "forecast": np.asarray(MARKET.signal) * 0.0015})[300:1500].write_csv(forecasts)
    MARKET.prices.write_csv(prices)
    return forecasts, prices


def test_the_answer_comes_first_and_says_what_it_rests_on(files: tuple[Path, Path], call: Call) -> None:
    forecasts, prices = files
    before = sorted(Path.cwd().rglob("*"))
    found = call("judge", forecasts, "--prices", prices, "--tries", 5, "--made-in-time")
    assert (found.code, found.err) == (0, "")
    lines = found.out.splitlines()
    assert lines[0].startswith("SIGNAL, if made in time (not audited): the forecasts know something")
    assert "Tries: 5 as you stated them, counted as independent of each other" in found.out
    assert "audit: not possible here" in found.out
    assert "Register" not in found.out
    assert sorted(Path.cwd().rglob("*")) == before, "nothing is written"


def test_without_a_word_nobody_can_tell(files: tuple[Path, Path], call: Call) -> None:
    forecasts, prices = files
    found = call("judge", forecasts, "--prices", prices)
    assert found.code == 0
    assert found.out.startswith("CANNOT TELL: tries unknown")


def test_its_json_never_says_signal_alone(files: tuple[Path, Path], call: Call) -> None:
    forecasts, prices = files
    facts = call("judge", forecasts, "--prices", prices, "--tries", 1, "--made-in-time", "--json").json
    assert (facts["kind"], facts["audited"], facts["made_in_time"]) == ("forecasts", False, True)
    assert facts["verdict"]["answer"] == "SIGNAL, if made in time (not audited)"
    assert facts["verdict"]["answer"] != Answer.SIGNAL
    assert facts["symbol"] == "TEST"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("nothing.csv",), "nothing.csv: cannot be opened"),
        (("NOBODY_ridge",), "no finished run is called 'NOBODY_ridge' or begins so"),
        (("NOBODY_ridge", "--tries", "3"), "--tries is of a file of forecasts, and NOBODY_ridge is none"),
        (("nothing.csv", "--target", "a.py:b"), "are parts of a run"),
    ],
)
def test_what_cannot_be_judged_is_one_plain_line(words: tuple[str, ...], complaint: str, call: Call) -> None:
    found = call("judge", *words)
    assert (found.code, found.out) == (1, "")
    assert complaint in found.err
    assert len(found.err.splitlines()) == 1


def test_a_run_is_judged_by_the_register_as_it_is_now(on_data: Call, call: Call) -> None:
    on_data("train", "ridge", "AAA", "--no-audit", "--no-check-source")
    (run,) = Path("runs").glob("AAA_ridge_*")
    on_data("train", "lgb", "AAA", "--no-audit", "--no-check-source")
    for name in ("AAA_ridge", run.name, run, f"{run}/"):
        found = call("judge", name)
        assert (found.code, found.err) == (0, "")
        assert found.out.splitlines()[0] == run.name
        assert "Tries: 2 on these days of this series" in found.out
    facts = call("judge", "AAA_ridge", "--json").json
    assert (facts["run"], facts["audited"]) == (run.name, False)
    assert json.loads((run / "run.json").read_text())["verdict"] == facts["verdict"]
    assert call("trials", "list", "--json").json["trials"] == 4
    assert call("trials", "verify").code == 0
