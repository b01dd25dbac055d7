"""Every leak planted among many symbols is found and named where it was planted; a clean slice is green."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.audit import panel_proof
from geiger.audit.panel_canaries import (
    PANEL_CANARIES,
    SYMBOLS,
    PanelCanary,
    run_panel_canaries,
    small_panel,
)
from geiger.audit.panel_proof import prove_panel
from geiger.audit.panel_worlds import PanelWorld
from geiger.audit.stages import PANEL_STAGES
from geiger.panel.plan import PanelPlan
from geiger.runs.audits import Leak

BY_NAME = {canary.name: canary for canary in PANEL_CANARIES}
SMALL_LEAK = 0.001
GRADED = (
    "one symbol ahead",
    "whole-sample normalisation",
    "window ahead",
    "tomorrow's mean",
    "whole-sample slope",
)


@pytest.fixture(scope="module")
def slice_of(panel_plan: PanelPlan, panel_world: PanelWorld) -> PanelWorld:
    return small_panel(panel_world, panel_plan)


def test_the_slice_has_whole_symbols_and_development_days(
    panel_plan: PanelPlan, slice_of: PanelWorld
) -> None:
    calendar = panel_plan.material.calendar
    assert len(slice_of.members) == SYMBOLS
    assert {one.prices["day"][-1] for one in slice_of.members} == {calendar[-1]}
    assert len({one.prices.height for one in slice_of.members}) == 1


@pytest.mark.parametrize("canary", PANEL_CANARIES, ids=lambda canary: canary.name)
def test_a_planted_leak_is_found_where_it_was_planted(canary: PanelCanary, slice_of: PanelWorld) -> None:
    found = canary.check(slice_of)

    assert found.caught, found
    assert (found.name, found.planted, found.found) == (canary.name, canary.stage, canary.stage)
    assert not found.missed


@pytest.mark.parametrize("name", GRADED)
def test_a_thousandth_of_a_leak_is_enough(name: str, slice_of: PanelWorld) -> None:
    assert BY_NAME[name].check(slice_of, SMALL_LEAK).caught


@pytest.mark.parametrize("name", ["late labels", "choice on its own rows", "whole-sample normalisation"])
def test_without_the_leak_the_same_slice_is_green(name: str, slice_of: PanelWorld) -> None:
    canary = BY_NAME[name]
    world = canary.world(slice_of, canary.planned(slice_of))

    found = prove_panel(canary.planned(world), world, scope=canary.scope)

    assert found.leaks == ()
    assert found.green
    assert found.blind == 0


def test_an_audit_that_compares_nothing_misses_them(
    panel_plan: PanelPlan, panel_world: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_proof, "_moved", lambda *given: None)
    chosen = [BY_NAME["one symbol ahead"], BY_NAME["late labels"]]
    told: list[str] = []
    checks = run_panel_canaries(panel_plan, panel_world, told.append, canaries=chosen)
    assert [check.missed for check in checks] == [True, False]  # the clock compares no worlds
    assert told == [f"planted: {canary.what}" for canary in chosen]


def test_another_symbol_or_all_of_them_are_not_the_one_that_leaks(slice_of: PanelWorld) -> None:
    canary, symbol = BY_NAME["one symbol ahead"], slice_of.symbols[0]
    leak = Leak(
        **{"stage": "features", "column": "return_1", "day": "2020-01-01", "size": 1.0, "rows": 1},
        **{"columns": 1, "world": "", "cut": "2020-01-01", "cause": "", "mend": ""},
        member=symbol,
    )
    assert canary.names(leak, symbol)
    assert not canary.names(replace(leak, member="OTHER"), symbol)
    assert not canary.names(replace(leak, members=2), symbol)
    assert not canary.names(replace(leak, stage="rows"), symbol)


def test_too_few_symbols_are_said_and_are_no_miss(panel_world: PanelWorld) -> None:
    few = replace(panel_world, members=panel_world.members[:2])
    found = PANEL_CANARIES[0].check(few)
    assert not found.missed
    assert found.skipped is not None
    assert str(SYMBOLS) in found.skipped


def test_each_canary_names_a_stage_of_a_panel() -> None:
    assert {canary.stage for canary in PANEL_CANARIES} <= set(PANEL_STAGES)
    assert len(BY_NAME) == len(PANEL_CANARIES)
