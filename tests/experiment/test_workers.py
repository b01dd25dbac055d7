"""Whoever trains the folds, the forecasts are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from geiger.experiment.plan import plan
from geiger.experiment.run import run
from geiger.settings import override
from helpers.runs import LOCKED, ROWS, locked_experiment, network_experiment, network_settings, stored_of


@pytest.mark.slow
def test_a_network_goes_on_over_the_lock_box_in_processes_and_in_one_program(
    tmp_path: Path, planted: pl.DataFrame
) -> None:
    network = {"lookback": 12, "burn_in": 5, "epochs": 2, "width": 8, "lstm": (4,), "key": 4, "inner": 8}
    changes = {"network_refit": 200, "refit": 200, "seeds": 1, "workers": 2, "lstm": network}
    apart, together = (
        stored_of(run(locked_experiment(tmp_path / kind, planted, "lstm", parallel=kind, **changes)))
        for kind in ("processes", "vmap")
    )
    one, two = apart.sealed(), together.sealed()
    assert one["day"].to_list() == two["day"].to_list() == planted["day"][ROWS - LOCKED - 2 : -1].to_list()
    scale = float(one["forecast"].std())  # type: ignore[arg-type]
    np.testing.assert_allclose(one["forecast"], two["forecast"], atol=1e-3 * scale)


@pytest.mark.slow
def test_the_same_run_twice_gives_the_same_bits_whatever_the_processes(
    tmp_path: Path, market: pl.DataFrame
) -> None:
    one, two = (
        run(network_experiment(tmp_path, market, config=network_settings(workers=workers, seeds=2)))
        for workers in (1, 2)
    )
    assert one.forecasts.equals(two.forecasts)
    assert one.evaluation.ledger.equals(two.evaluation.ledger)
    assert plan(network_experiment(tmp_path, market, config=network_settings(workers=1))).key() == (
        plan(network_experiment(tmp_path, market, config=network_settings(workers=2))).key()
    )


@pytest.mark.slow
def test_one_program_forecasts_what_processes_forecast(tmp_path: Path, market: pl.DataFrame) -> None:
    config = network_settings(seeds=2)
    apart = run(network_experiment(tmp_path, market, config=config))
    together = run(network_experiment(tmp_path, market, config=override(config, {"parallel": "vmap"})))
    scale = float(np.std(apart.forecasts["forecast"].to_numpy()))
    np.testing.assert_allclose(together.forecasts["forecast"], apart.forecasts["forecast"], atol=1e-3 * scale)
