"""Past errors of a panel: of days and symbols that the prices at hand have, each known when it was."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.backtest.sizing import trailing_volatility
from geiger.panel.experiment import Panel
from geiger.panel.material import PanelMaterial, load_panel
from geiger.runs.folder import RunsFolder
from geiger.tomorrow.panel_errors import PanelErrors
from helpers.panels import LATE, NAME, SYMBOLS, panel_config


@pytest.fixture(scope="session")
def material(twelve: Path) -> PanelMaterial:
    config = panel_config(lockbox=0)
    place = {"data": twelve / "prices", "runs_dir": twelve / "errors"}
    return load_panel(Panel(NAME, SYMBOLS, config=config, context="none", **place))


@pytest.fixture(scope="session")
def forecasts(twelve: Path) -> pl.DataFrame:
    stored = RunsFolder(twelve / "runs").newest(NAME)
    assert stored is not None
    return stored.panel_forecasts()


def test_the_scale_is_each_symbols_own(material: PanelMaterial, forecasts: pl.DataFrame) -> None:
    found = PanelErrors(forecasts, material).scale
    for column in (0, SYMBOLS.index(LATE)):
        close = material.bars["close"][:, column]
        own = close[np.isfinite(close)]
        returns = np.append(np.nan, own[1:] / own[:-1] - 1.0)
        np.testing.assert_array_equal(found[np.isfinite(close), column], trailing_volatility(returns, 5.0))
        assert np.isnan(found[~np.isfinite(close), column]).all()


def test_days_and_symbols_that_are_not_at_hand_have_no_part(
    material: PanelMaterial, forecasts: pl.DataFrame
) -> None:
    whole = PanelErrors(forecasts, material)
    strange = forecasts.with_columns(symbol=pl.lit("NONE")).unique("day").sort("day")
    earlier = forecasts.with_columns(pl.col("day").dt.offset_by("-40y")).sort("day", "symbol")
    more = PanelErrors(pl.concat([forecasts, strange, earlier]), material)
    assert more.coverage(0.9) == whole.coverage(0.9)
    assert more.scores("NONE").size == 0
    assert whole.scores("P03").size == forecasts.filter(pl.col("symbol") == "P03").height


def test_without_forecasts_nothing_is_known(material: PanelMaterial, forecasts: pl.DataFrame) -> None:
    held = PanelErrors(forecasts.head(0), material).coverage(0.9)
    assert (held.rows, held.covered) == (0, None)


def test_no_interval_knows_an_outcome_before_its_day(
    material: PanelMaterial, forecasts: pl.DataFrame
) -> None:
    """Outcomes that come a year later leave as many rows without any interval."""
    late = forecasts.with_columns(pl.col("known_on") + dt.timedelta(days=365))
    assert PanelErrors(late, material).coverage(0.9).rows == 0
    assert PanelErrors(forecasts, material).coverage(0.9).rows > 2000
