"""``geiger doctor``: what this installation can do."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

Call = Any


def test_doctor_names_libraries_data_and_runs(call: Call, data: Path) -> None:
    facts = call("doctor", "--data", data, "--json").json
    assert facts["symbols"] == ["AAA", "BBB", "SPY", "TINY"]
    assert (facts["device"], facts["runs"]) == ("cpu", 0)
    assert facts["environment"]["threads"] >= 1
    assert {"xgboost", "lightgbm", "catboost"} <= {part["library"] for part in facts["parts"]}
    answer = call("doctor", "--data", data)
    assert (answer.code, answer.err) == (0, "")
    assert "symbols at hand: AAA, BBB, SPY, TINY" in answer.out
    assert not list(Path().iterdir())


def test_doctor_says_what_is_missing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "arch" else real(name, *a)
    )
    assert "missing: " in call("doctor").out
    parts = {part["library"]: part["state"] for part in call("doctor", "--json").json["parts"]}
    assert parts["arch"] == "missing"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: real(name, *a) or real("json"))
    assert call("doctor").out.endswith("nothing is missing\n")
