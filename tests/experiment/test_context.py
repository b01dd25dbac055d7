"""The market around a symbol: what is taken, what is kept, and what is said without one."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl

from geiger.experiment.context import context_missing, context_on, keep_context, load_context
from geiger.market.calendar import market_of
from geiger.market.snapshots import Store
from geiger.runs.record import ContextData


def test_none_at_hand_and_none_wanted_are_said_alike(tmp_path: Path, planted_folder: Path) -> None:
    shutil.copy(planted_folder / "AAPL.csv", planted_folder / "^GSPC.csv")
    nothing = load_context("AAPL", planted_folder, "none", Store(tmp_path / "library"))
    assert nothing == (None, None)
    assert [notice.code for notice in context_missing(nothing)] == ["CONTEXT_MISSING"]
    assert keep_context(nothing, Store(tmp_path / "kept")) == ContextData()
    assert context_on(pl.Series("day", []), "AAPL", market_of("AAPL"), nothing) == (None, ())


def test_what_a_run_used_is_found_again_by_its_hash(
    tmp_path: Path, planted_folder: Path, planted: pl.DataFrame
) -> None:
    for name in ("^GSPC", "^VIX"):
        shutil.copy(planted_folder / "AAPL.csv", planted_folder / f"{name}.csv")
    given = load_context("AAPL", planted_folder, "^GSPC", Store(tmp_path / "library"))
    index, fear = given
    assert index is not None
    assert fear is not None
    assert context_missing(given) == ()
    snapshots = Store(tmp_path / "kept")
    kept = keep_context(given, snapshots)
    assert (kept.market, kept.volatility) == (index.symbol, fear.symbol) == ("^GSPC", "^VIX")
    assert kept.market_hash is not None
    assert snapshots.load("^GSPC", kept.market_hash).prices.equals(index.prices)
    frame, _ = context_on(planted["day"], "AAPL", market_of("AAPL"), given)
    assert frame is not None
    assert frame["day"].equals(planted["day"])
    alone = keep_context((index, None), snapshots)
    assert alone == ContextData(kept.market, kept.market_hash)
