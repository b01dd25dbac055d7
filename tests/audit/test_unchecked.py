"""What an audit says that it did not check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.audit.findings import Findings
from geiger.audit.own_calls import Called
from geiger.audit.stages import STAGES
from geiger.audit.unchecked import NEVER, unchecked
from geiger.audit.worlds import World
from geiger.experiment.plan import plan
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market
from helpers.runs import Constant, experiment

PRICES = garch_market(900, 3)
WORLD = World(Loaded("TEST", PRICES, "frame", "given in memory"))


def complete() -> Findings:
    found = Findings()
    for stage in STAGES:
        found.count(stage, 1, 1, 0.0)
    return found


def said(
    folder: Path, found: Findings, *, fits: bool = True, called: Called | None = None, **changes: Any
) -> list[str]:
    planned = plan(replace(experiment(folder, PRICES), **changes))
    return [one.stage for one in unchecked(found, planned, planned.material, WORLD, called, fits=fits)]


def test_what_no_audit_can_check_is_said_every_time(tmp_path: Path) -> None:
    assert said(tmp_path, complete()) == list(NEVER)


def test_a_stage_that_was_not_made_is_said(tmp_path: Path) -> None:
    found = complete()
    del found.tallies["stack"], found.tallies["context"]
    assert said(tmp_path, found) == ["context", "stack", *NEVER]


def test_fits_that_were_not_asked_for_are_no_gap(tmp_path: Path) -> None:
    found = complete()
    del found.tallies["model"]
    assert said(tmp_path, found, fits=False) == list(NEVER)
    assert said(tmp_path, found) == ["model", *NEVER]


def test_what_could_not_be_made_is_said_first(tmp_path: Path) -> None:
    found = complete()
    found.failed["the rows after it were removed (behind 2020-01-03)"] = "too few"
    assert said(tmp_path, found)[0].startswith("the rows after it were removed")


def test_an_estimator_of_ones_own_is_taken_at_its_word_between_fits(tmp_path: Path) -> None:
    assert said(tmp_path, complete(), estimator=Constant(0.0))[0] == "own estimator"


@pytest.mark.parametrize(
    ("called", "lines"),
    [(Called(calls=9), 1), (Called(calls=9, still=("x",)), 2), (Called(failed="broke"), 2)],
)
def test_what_calls_cannot_show_is_said(tmp_path: Path, called: Called, lines: int) -> None:
    assert said(tmp_path, complete(), called=called).count("own features") == lines
