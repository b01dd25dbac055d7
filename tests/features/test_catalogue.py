from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.cli.parser import build_parser
from geiger.errors import DataError
from geiger.features import (
    FEATURES,
    NAMES,
    VERSION,
    WARMUP,
    Bars,
    build_features,
    feature_matrix,
    features_page,
)
from geiger.settings.contract import COLUMNS
from helpers.bars import market


def test_there_are_exactly_154_with_unique_names() -> None:
    assert len(FEATURES) == 154
    assert len(set(NAMES)) == 154
    assert VERSION == "features v1"
    assert "return_1" in NAMES
    assert WARMUP == max(entry.warmup for entry in FEATURES) <= 273


def test_those_who_cannot_import_the_contract_name_its_number() -> None:
    assert len(NAMES) == COLUMNS
    assert f"the {len(NAMES)}-column feature contract" in " ".join(build_parser().format_help().split())


def test_every_entry_says_what_it_is() -> None:
    formulas = [entry.formula for entry in FEATURES]
    assert all(entry.unit and entry.group and entry.formula for entry in FEATURES)
    assert len(set(formulas)) == len(formulas)
    by_name = {entry.name: entry for entry in FEATURES}
    assert by_name["close_to_mean_21"].formula == "log(close / mean of the last 21 closes)"
    assert by_name["parkinson_10"].source == "Parkinson 1980"
    assert by_name["return_1"].unit == "log return"
    groups = dict.fromkeys(entry.group for entry in FEATURES)
    assert set(groups) == {
        "trend", "momentum", "volatility", "volume", "candles", "levels", "regime", "context", "clock",
    }  # fmt: skip


def test_warm_up_is_exact_in_every_function_and_in_the_frame() -> None:
    prices, context = market(rows=400)
    frame = build_features(prices, context)
    assert frame.columns == ["day", *NAMES]
    assert frame.height == prices.height
    assert set(frame.dtypes[1:]) == {pl.Float64}
    bars = Bars.from_frames(prices, context)
    for entry in FEATURES:
        values = entry.function(bars)
        assert values.shape == (400,)
        assert np.isnan(values[: entry.warmup]).all(), entry.name
        assert np.isfinite(values[entry.warmup :]).all(), entry.name
        assert np.array_equal(values, frame[entry.name].to_numpy(), equal_nan=True), entry.name
    assert not any(frame[name].null_count() for name in NAMES)


def test_without_a_context_its_columns_are_zero_and_the_others_unchanged() -> None:
    prices, context = market(rows=400)
    bare, full = feature_matrix(prices), feature_matrix(prices, context)
    inside = np.array([entry.group == "context" for entry in FEATURES])
    assert inside.sum() == 22
    assert (bare[:, inside] == 0.0).all()
    assert np.array_equal(bare[:, ~inside], full[:, ~inside], equal_nan=True)


def test_a_context_of_other_days_is_refused() -> None:
    prices, context = market(rows=300)
    with pytest.raises(DataError, match="align it to the symbol's days"):
        build_features(prices, context.tail(299))
    with pytest.raises(DataError, match="prices: expected columns"):
        build_features(prices.drop("volume"))


@pytest.mark.parametrize("rows", [1, 2, 3, 30, 272])
def test_short_series_give_a_frame_without_complete_rows(rows: int) -> None:
    prices, context = market(rows=rows)
    frame = build_features(prices, context)
    assert frame.height == rows
    assert frame["volatility_rank_252"].is_nan().all()


def test_docs_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "features.md"
    assert page.read_text(encoding="utf-8") == features_page(), (
        "docs/features.md is stale: write features_page() to it"
    )
