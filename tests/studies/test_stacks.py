"""The study of weighing: the same base forecasts for every way, kept, and compared on the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geiger import metrics
from geiger.errors import TrainingError
from geiger.studies import stacks
from geiger.studies.markets import MadeMarket, RealMarket


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> list[MadeMarket]:
    monkeypatch.setattr(stacks, "BASES", ("ridge", "lgb"))
    for name, value in (("MADE_TRAIN", 300), ("MADE_TEST", 400), ("REFIT", 200), ("MIN_ROWS", 100)):
        monkeypatch.setattr(stacks, name, value)
    return [
        MadeMarket("volume", 0.1, 0, 300, 400),
        MadeMarket(None, 0.0, 0, 300, 400),
    ]


def test_every_way_is_measured_on_the_same_rows_and_bases_are_kept(
    small: list[MadeMarket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [stacks.measure(market, tmp_path) for market in small]
    assert all(record["error"] is None for record in first)
    names = {*stacks.WEIGHERS, "best single of the past", "ridge", "lgb"}
    assert all(set(record["measured"]) == names for record in first)
    for record in first:
        assert record["rows"] == 400 - 100 - 1
        assert record["measured"][stacks.BASELINE]["gain"] == 0.0
        assert record["measured"]["ElasticNet, the plan's, raw returns"]["r2"] == pytest.approx(0.0, abs=1e-9)
    assert first[0]["measured"]["ridge"]["efficiency"] > 0.3  # a tenth of the variance is planted
    assert first[1]["measured"]["ridge"]["efficiency"] is None

    def never(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(stacks, "walk", never)
    assert [stacks.measure(market, tmp_path) for market in small] == first


def test_a_base_model_that_fails_is_done_without(
    small: list[MadeMarket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = stacks.walk

    def breaking(material: Any, model: str, *args: Any) -> Any:
        if model == "lgb":
            raise TrainingError("no luck")
        return real(material, model, *args)

    monkeypatch.setattr(stacks, "walk", breaking)
    assert "lgb" not in stacks.measure(small[0], tmp_path)["measured"]


def test_rows_are_paired_means_over_markets(tmp_path: Path) -> None:
    def record(market: str, kind: str, value: float, base: float) -> dict[str, Any]:
        measured = {
            stacks.BASELINE: {"correlation": base, "efficiency": base, "r2": 0.0, "gain": 0.0},
            "simplex": {"correlation": value, "efficiency": value, "r2": 0.01, "gain": 0.01},
        }
        return {"market": market, "kind": kind, "measured": measured, "error": None}

    records = [
        record("a", "linear", 0.5, 0.3),
        record("b", "linear", 0.7, 0.4),
        record("c", "real", 0.1, 0.2),
    ]
    records.append({"market": "d", "kind": "real", "error": "no prices"})
    (base, simplex) = stacks.rows_of(records, ("linear",))
    assert (base.name, simplex.name) == (stacks.BASELINE, "simplex")
    assert simplex.value is not None
    assert simplex.difference is not None
    assert simplex.value.mean == pytest.approx(0.6)
    assert simplex.difference.mean == pytest.approx(0.25)
    assert simplex.difference.error == pytest.approx(np.std([0.2, 0.3], ddof=1) / np.sqrt(2))
    # Four days that both symbols share: what they add together is the error, whatever the symbols' spread.
    day, added = np.arange(4), np.array([0.4, -0.4, 0.4, -0.4])
    still = {"correlation": 0 * added, "r2": 0 * added, "gain": 0 * added}
    moving = {"correlation": added, "r2": added / 2, "gain": 0 * added}
    pair = [
        {**record(name, "real", 0.2, 0.1), stacks.BY_DAY: (day, {stacks.BASELINE: still, "simplex": moving})}
        for name in ("e", "f")
    ]
    (_, real) = stacks.rows_of(pair, ("real",))
    assert real.difference is not None
    assert real.r2 is not None
    assert (real.difference.mean, real.difference.error) == pytest.approx((0.1, 0.2))  # 0.4 / sqrt(4)
    assert real.r2.error == pytest.approx(0.1)
    page = stacks.report(records, "geiger ablate --stacks", tmp_path).read_text(encoding="utf-8")
    assert "## Planted signals that a line can see (2)" in page
    assert "| simplex | +0.600 ± 0.100 | +0.250 ± 0.050 |" in page
    assert "## Real symbols (1)" in page
    assert "d: no result (no prices)" in page


def test_a_symbol_keeps_what_each_day_adds(
    small: list[MadeMarket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error of one symbol's correlation, from its days, is that of the correlation itself."""
    assert stacks.measure(small[0], tmp_path)[stacks.BY_DAY] is None  # made markets share no day
    monkeypatch.setattr(stacks, "BASES", ("ridge",))
    record = stacks.measure(RealMarket("AAPL", None, tmp_path, end="2005-12-30"), tmp_path)
    assert record["error"] is None
    day, influence = record[stacks.BY_DAY]
    assert len(set(day)) == record["rows"]
    rows = stacks.rows_of([record], ("real",))
    by_name = {row.name: row for row in rows}
    own = metrics.mean_error(influence["ridge"]["correlation"])
    assert by_name["ridge"].value is not None
    assert by_name["ridge"].value.error == pytest.approx(own)
    assert by_name[stacks.BASELINE].difference is not None
    assert by_name[stacks.BASELINE].difference.error == 0.0


def test_markets_of_every_kind() -> None:
    kinds = [market.kind for market in stacks.stack_markets(2)]
    assert {kind: kinds.count(kind) for kind in kinds} == {"linear": 4, "nonlinear": 4, "null": 2}
