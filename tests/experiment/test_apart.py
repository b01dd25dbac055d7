"""A process that trains networks: what it loads, and that this one loads nothing of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import geiger
from geiger.experiment.apart import UNUSED, prepare

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(geiger.__file__).parents[1])}
FRAMES = {"polars", "numba", "llvmlite", "exchange_calendars", "msgspec"}


def loaded(code: str) -> Any:
    """What a fresh Python prints, as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


LOADED = "print(json.dumps([name for name, module in sys.modules.items() if module and '.' not in name]))"


def test_what_trains_a_fold_needs_neither_frames_nor_features() -> None:
    found = set(loaded(f"import json, sys, geiger.experiment.apart\n{LOADED}"))
    assert not found & {*FRAMES, *UNUSED, "keras", "jax", "scipy"}


@pytest.mark.slow
def test_a_prepared_process_loads_keras_without_what_it_never_uses() -> None:
    code = "import json, sys\nfrom geiger.experiment.apart import prepare\nprepare()\n"
    found = set(loaded(f"{code}import geiger.models.nets.backend\n{LOADED}"))
    assert {"keras", "jax"} <= found
    assert not found & {*FRAMES, *UNUSED}


@pytest.mark.slow
def test_who_trains_in_processes_loads_no_keras_itself(tmp_path: Path) -> None:
    settings = {"lookback": 12, "burn_in": 5, "epochs": 2, "width": 8, "lstm": (4,), "key": 4, "inner": 8}
    code = f"""
import json, sys
from pathlib import Path
import geiger
from geiger.experiment.run import run
from geiger.settings import override
config = override(geiger.recipe("quick"), {{"max_folds": 2, "seeds": 1, "workers": 2, "lstm": {settings}}})
run(geiger.Experiment("AAPL", "lstm", config=config, runs_dir=Path({str(tmp_path)!r}, "runs"),
                             log_dir=Path({str(tmp_path)!r}, "logs")))
{LOADED}
"""
    assert not set(loaded(code)) & {"keras", "jax"}


def test_what_was_loaded_before_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in UNUSED:
        monkeypatch.setitem(sys.modules, name, sys.modules[__name__])
    monkeypatch.setattr(sys, "platform", "elsewhere")  # this process keeps its allocator
    prepare()
    assert all(sys.modules[name] is sys.modules[__name__] for name in UNUSED)
