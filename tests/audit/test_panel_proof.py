"""The proof for many symbols: green as it is, red and rightly named where it looks ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import geiger.audit.panel_pipeline
import geiger.panel.evaluation
import geiger.panel.issue
from geiger.audit.cuts import INSIDE
from geiger.audit.panel_proof import PanelScope, prove_panel
from geiger.audit.panel_windows import FIRST_KNOWN
from geiger.audit.panel_worlds import PANEL_FUTURES, PanelWorld, world_of
from geiger.audit.stages import PANEL_STAGES
from geiger.cli.audit import audit_lines
from geiger.errors import DataError
from geiger.experiment import prepare
from geiger.panel import material
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.runs.audits import Audit

SHORT = PanelScope(cuts=(INSIDE,), futures=("next_row",), until_found=True)


@pytest.fixture(scope="module")
def world(panel_plan: PanelPlan) -> PanelWorld:
    return world_of(panel_plan.work, panel_plan.material.symbols, panel_plan.material.market)


@pytest.fixture(scope="module")
def whole(panel_plan: PanelPlan, world: PanelWorld) -> tuple[Audit, list[str], list[int]]:
    told: list[str] = []
    planned: list[int] = []
    return prove_panel(panel_plan, world, told.append, on_plan=planned.append), told, planned


def test_the_pipeline_as_it_is_is_green(whole: tuple[Audit, list[str], list[int]]) -> None:
    found, told, planned = whole
    assert found.leaks == ()
    assert found.color == "green"
    assert found.complete
    assert found.blind == 0
    assert len(found.cuts) >= 6
    assert {stage.stage for stage in found.stages} == set(PANEL_STAGES) - {"reader", "stack"}
    assert all(stage.values > 0 for stage in found.stages)
    assert len(found.worlds) == len(PANEL_FUTURES) + 3
    assert sum(planned) == len([text for text in told if not text.endswith("as it is")])
    assert {one.stage for one in found.not_checked} == {
        *("reader", "stack", "whole history", "source", "choice of symbols")
    }


def test_what_hangs_on_all_symbols_is_declared(whole: tuple[Audit, list[str], list[int]]) -> None:
    (text,) = whole[0].declared
    assert "features, normalised, volatility, tradable and outcomes of the 5 others are the same" in text
    assert "target, model, candidate, slope, forecasts" in text
    assert f"Declared: {text[:20]}" in " ".join(line.strip() for line in audit_lines(whole[0]))


def leaky(place: Any, name: str, leak: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, name, leak(getattr(place, name)))


def first_leak(planned: PanelPlan, world: PanelWorld, scope: PanelScope = SHORT) -> tuple[str, str]:
    found = prove_panel(planned, world, scope=scope)
    assert found.color == "red"
    return found.leaks[0].stage, found.leaks[0].column


def test_a_volatility_that_knows_tomorrow_is_named(
    panel_plan: PanelPlan, world: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ahead(real: Any) -> Any:
        return lambda returns: np.append(real(returns)[1:], real(returns)[-1:])

    leaky(material, "daily_volatility", ahead, monkeypatch)
    assert first_leak(panel_plan, world) == ("volatility", "volatility")


def test_opens_that_are_judged_by_later_ones_are_named(
    panel_plan: PanelPlan, world: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ahead(real: Any) -> Any:
        return lambda prices: np.append(np.diff(prices["open"].to_numpy()) > 0.0, True)

    leaky(material, "_stale_before", ahead, monkeypatch)
    scope = replace(SHORT, futures=("noise", "reversed", "next_row"))
    assert first_leak(panel_plan, world, scope) == ("tradable", "tradable")


def test_a_fill_at_the_bar_of_the_decision_is_named(
    panel_plan: PanelPlan, world: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same_bar(real: Any) -> Any:
        def make_target(prices: Any, fill: Any, horizon: int) -> Any:
            made = real(prices, fill, horizon)
            earlier = made["value"].shift(1)
            return made.with_columns(value=earlier.fill_null(made["value"]))

        return make_target

    leaky(material, "make_target", same_bar, monkeypatch)
    found = prove_panel(plan_panel(panel_plan.work), world, scope=PanelScope(futures=("next_row",)))
    leak = next(one for one in found.leaks if one.stage == "target")
    assert leak.column == "outcome"
    assert "the bar that it was decided on" in leak.cause


def test_features_made_of_other_symbols_are_named_where_one_is_left_out(
    panel_plan: PanelPlan, world: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[float] = []

    def together(real: Any) -> Any:
        def features(symbol: str, prices: Any, context: Any) -> Any:
            matrix = real(symbol, prices, context)
            if symbol == world.symbols[0]:
                made.clear()
            made.append(float(prices["open"][0]))
            matrix[:, 0] += len(made) * 1e-3
            return matrix

        return features

    leaky(prepare, "_features", together, monkeypatch)
    found = prove_panel(plan_panel(panel_plan.work), world, scope=PanelScope(futures=("next_row",)))
    assert {leak.stage for leak in found.leaks} == {"members"}
    assert found.leaks[0].column.startswith("features: ")
    assert found.declared == ()


def test_a_portfolio_that_knows_later_scores_is_named(
    panel_plan: PanelPlan, world: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ahead(real: Any) -> Any:
        def wanted_of(scored: Any, least: int) -> Any:
            wanted = real(scored, least)
            later = np.concatenate([wanted[1:], wanted[-1:]])
            return np.where(np.isfinite(wanted) & np.isfinite(later), later, wanted)

        return wanted_of

    leaky(geiger.audit.panel_pipeline, "wanted_of", ahead, monkeypatch)
    assert first_leak(panel_plan, world) == ("weights", "weight")


def test_nothing_is_green_where_no_future_could_be_made(
    panel_plan: PanelPlan, world: PanelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any, **options: Any) -> Any:
        raise DataError("no such future")

    monkeypatch.setattr("geiger.audit.panel_proof.future_altered", fails)
    with pytest.raises(DataError, match=r"nothing can be proved behind .*no such future"):
        prove_panel(panel_plan, world, scope=SHORT)


def test_a_scope_makes_those_cuts_and_futures_alone(panel_plan: PanelPlan, world: PanelWorld) -> None:
    told: list[str] = []
    scope = PanelScope(cuts=(FIRST_KNOWN,), futures=("next_row",))
    found = prove_panel(panel_plan, world, told.append, scope=scope)
    assert [cut.why for cut in found.cuts] == [FIRST_KNOWN]
    assert len(told) == 2  # as it is, and once otherwise
    assert not found.complete
