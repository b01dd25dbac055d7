"""Every planted leak is found where it was planted, and the audit that finds them can fail."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import geiger.audit.door as door
from geiger.audit import findings, proof
from geiger.audit.canaries import CANARIES, LEAST_ROWS, ROWS, SCOPE, Canary, run_canaries, small_world
from geiger.audit.pipeline import material_in
from geiger.audit.stages import STAGES
from geiger.audit.worlds import World
from geiger.cli.audit import audit_lines
from geiger.errors import DataError, MissingLibrary
from geiger.experiment.plan import Experiment
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market
from geiger.runs.audits import Audit, CanaryCheck
from geiger.settings import override, recipe

BY_NAME = {canary.name: canary for canary in CANARIES}
SMALL_LEAK = 0.001


def loaded(symbol: str, prices: pl.DataFrame) -> Loaded:
    return Loaded(symbol, prices, "frame", "given in memory")


@pytest.fixture(scope="module")
def world() -> World:
    """The slice that canaries are planted on: a market without any signal, as its own index."""
    prices = garch_market(ROWS, seed=11)
    return World(loaded("AAPL", prices), loaded("^GSPC", prices))


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_a_planted_leak_is_found_where_it_was_planted(canary: Canary, world: World) -> None:
    found = canary.check(world)

    assert found.caught, found
    assert (found.name, found.planted, found.found) == (canary.name, canary.stage, canary.stage)
    assert found.column is not None
    assert found.column.startswith(canary.column)
    assert not found.missed


DIFFERENT = {(canary.model, str(canary.changes), canary.world.__name__): canary for canary in CANARIES}


@pytest.mark.parametrize("canary", DIFFERENT.values(), ids=lambda canary: canary.name)
@pytest.mark.slow
def test_without_the_leak_the_same_slice_is_green(canary: Canary, world: World) -> None:
    experiment = canary.experiment(world.symbol.symbol)

    found = proof.prove(experiment, canary.world(world), scope=SCOPE)

    assert found.leaks == ()
    assert found.green
    assert {cut.why for cut in found.cuts} == set(SCOPE.cuts or ())


@pytest.mark.parametrize("canary", [c for c in CANARIES if c.graded], ids=lambda canary: canary.name)
def test_a_thousandth_of_a_leak_is_enough(canary: Canary, world: World) -> None:
    assert canary.check(world, SMALL_LEAK).caught


def test_an_audit_that_compares_nothing_misses_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (findings, proof):
        monkeypatch.setattr(module, "moved", lambda *given, **options: None)
    monkeypatch.setattr(proof, "moved_after", lambda *given: None)
    chosen = ("backfill", "off by one", "overlapping labels", "full-sample scaler", "same-bar fill")

    checks = [BY_NAME[name].check(world) for name in chosen]

    caught = [check.name for check in checks if check.caught]
    assert caught == ["overlapping labels"]  # held against the clock, with nothing to compare
    assert all(check.missed for check in checks if not check.caught)


@pytest.mark.parametrize("change", [{"stage": "bars"}, {"column": "rsi_14"}])
def test_a_leak_that_is_named_wrongly_is_missed(change: dict[str, str], world: World) -> None:
    found = replace(BY_NAME["off by one"], **change).check(world)

    assert (found.found, found.column) == ("features", "return_2")
    assert found.missed


def test_a_leak_ends_with_its_audit(world: World) -> None:
    before = [getattr(*canary.place) for canary in CANARIES]
    BY_NAME["off by one"].check(world)
    with pytest.raises(DataError), BY_NAME["backfill"].planted():
        raise DataError("something else")

    assert [getattr(*canary.place) for canary in CANARIES] == before


def test_another_thread_trains_without_the_leak() -> None:
    canary, calls = BY_NAME["overlapping labels"], []
    owner, name = canary.place

    def gap() -> None:
        fold = getattr(owner, name)(0, 700, min_train=300)[0]
        calls.append(fold.test.start - fold.valid.stop)

    with canary.planted():
        gap()
        other = threading.Thread(target=gap)
        other.start()
        other.join()

    assert calls == [0, 1]


def test_every_stage_from_bars_to_fills_has_a_canary_or_a_reason() -> None:
    without = {
        "reader": "its own test writes files",
        "target": "the label is the fill's: 'same-bar fill' and 'overlapping labels'",
        "folds": "borders count rows from the first one",
        "conformal": "past errors alone",
        "weights": "forecasts alone",
    }
    assert {canary.stage for canary in CANARIES} == set(STAGES) - set(without)
    assert len(BY_NAME) == len(CANARIES)


def test_an_audit_that_breaks_off_has_missed_the_leak(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any, **options: Any) -> Audit:
        raise DataError("these prices cannot be used")

    monkeypatch.setattr("geiger.audit.canaries.prove", broken)

    found = BY_NAME["off by one"].check(world)

    assert found.missed
    assert found.column == "the audit ended: these prices cannot be used"


def test_a_leak_of_a_library_that_is_not_there_is_not_planted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise MissingLibrary(f"{name} is not installed")

    monkeypatch.setattr("geiger.audit.canaries.load", missing)

    found = BY_NAME["stopping on test"].check(world)

    assert found.skipped == "lightgbm is not installed"
    assert not found.caught
    assert not found.missed


@pytest.mark.slow
def test_a_fill_at_the_close_is_no_mistake_where_it_was_asked_for(world: World) -> None:
    prices = world.symbol.prices
    stale = prices.with_columns(open=pl.col("close").shift(1).fill_null(pl.col("open")))
    bars = stale.with_columns(high=pl.max_horizontal("high", "open"), low=pl.min_horizontal("low", "open"))

    stale_world = World(loaded("AAPL", bars), loaded("^GSPC", bars))
    for name in ("same-bar fill", "overlapping labels"):
        found = BY_NAME[name].check(stale_world)

        assert found.skipped is not None
        assert "at the close" in found.skipped


def test_volumes_that_are_not_there_cannot_be_filled(world: World) -> None:
    bars = world.symbol.prices.with_columns(volume=pl.lit(0.0))

    found = BY_NAME["backfill"].check(World(loaded("AAPL", bars), loaded("^GSPC", bars)))

    assert found.skipped == "there are no volumes here to fill"


def test_too_few_rows_are_said(world: World) -> None:
    short = loaded("AAPL", world.symbol.prices.head(LEAST_ROWS - 1))

    found = BY_NAME["off by one"].check(World(short, short))

    assert found.skipped is not None
    assert str(LEAST_ROWS) in found.skipped


def test_the_slice_ends_before_the_lock_box() -> None:
    prices = garch_market(1500, seed=12)
    whole = World(loaded("AAPL", prices))
    config = override(recipe("default"), {"lockbox": 200})

    small = small_world(whole, material_in(whole, None, config, None))

    assert small.symbol.prices["day"][-1] == prices["day"][-201]
    assert small.symbol.prices.height == ROWS
    assert small.index is not None


def test_canaries_are_told_and_checked_in_order(world: World) -> None:
    told: list[str] = []
    chosen = [BY_NAME["off by one"], BY_NAME["backfill"]]
    whole = replace(world, symbol=loaded("AAPL", garch_market(1500, seed=11)))

    checks = run_canaries(Experiment("AAPL"), whole, told.append, canaries=chosen)

    assert [check.name for check in checks] == ["off by one", "backfill"]
    assert [check.caught for check in checks] == [True, True]
    assert told == [f"planted: {canary.what}" for canary in chosen]


CAUGHT = CanaryCheck(
    name="off by one", what="", planted="features", found="features", column="x", caught=True
)
MISSED = dataclasses.replace(CAUGHT, name="backfill", planted="bars", found=None, column=None, caught=False)
SKIPPED = dataclasses.replace(MISSED, name="same-bar fill", skipped="no open")
GREEN = Audit(
    symbol="AAPL", model="ridge", color="green", stages=(), cuts=(), worlds=(), made_at="2026-01-01"
)


def test_a_missed_canary_turns_an_audit_red() -> None:
    assert GREEN.with_canaries((CAUGHT, SKIPPED)).green
    assert not GREEN.with_canaries((CAUGHT, MISSED)).green
    assert not dataclasses.replace(GREEN, color="red", leaks=("one",)).with_canaries((CAUGHT,)).green  # type: ignore[arg-type]


def test_lines_say_what_was_caught_and_what_was_not() -> None:
    lines = list(audit_lines(GREEN.with_canaries((CAUGHT, MISSED, SKIPPED))))

    text = " ".join(" ".join(lines).split())
    assert text.startswith(
        "AAPL ridge: RED, a planted leak was not caught (backfill): this audit proves nothing"
    )
    assert "1 of 2 caught" in text
    assert "MISSED" in text
    assert "Not planted: same-bar fill: no open" in text


def test_canaries_are_added_to_an_audit_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def proved(*given: Any, **more: Any) -> Audit:
        calls.append("audit")
        return GREEN

    def planted(*given: Any, **more: Any) -> tuple[CanaryCheck, ...]:
        calls.append("canaries")
        return (CAUGHT,)

    monkeypatch.setattr(door, "prove", proved)
    monkeypatch.setattr(door, "run_canaries", planted)
    experiment = Experiment("AAPL", prices=_with_dates(garch_market(1500, seed=3)), runs_dir=tmp_path)

    without = door.audit(experiment)
    added = door.audit(experiment, canaries=True)
    again = door.audit(experiment)

    assert without.canaries == ()
    assert added.canaries == again.canaries == (CAUGHT,)
    assert calls == ["audit", "canaries"]


def _with_dates(prices: pl.DataFrame) -> pl.DataFrame:
    assert prices["day"][0] > dt.date(1990, 1, 1)
    return prices.rename({"day": "Date", "open": "Open", "high": "High", "low": "Low"}).rename(
        {"close": "Close", "volume": "Volume", "raw_close": "Adj Close"}
    )
