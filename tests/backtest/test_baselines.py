from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from geiger.backtest.baselines import baselines
from geiger.errors import DataError
from helpers.ledgers import COSTS, run


def test_buy_and_hold_pays_one_entry_and_one_exit(
    returns: np.ndarray, others: dict[str, pl.DataFrame]
) -> None:
    turnover = others["buy_and_hold"]["turnover"].to_numpy()
    assert turnover[[0, -1]].tolist() == [1.0, 1.0 + returns[-1]]  # what it has become by then
    assert not turnover[1:-1].any()


def test_constant_exposure_holds_the_mean_net_weight_and_pays_for_its_drift(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    held = others["constant_exposure"]
    assert set(held["weight"]) == {strategy["weight"].to_numpy().mean()}
    assert (held["turnover"].to_numpy()[1:-1] > 0).all()


def test_volatility_matched_has_the_volatility_of_the_strategy(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    matched = others["volatility_matched"]["net"].to_numpy()
    assert matched.std() == pytest.approx(strategy["net"].to_numpy().std(), rel=2e-3)


def test_sign_persistence_follows_the_last_known_return(
    others: dict[str, pl.DataFrame], returns: np.ndarray
) -> None:
    assert others["sign_persistence"]["weight"].to_list() == np.sign(np.roll(returns, 2)).tolist()


def test_baselines_have_the_days_and_costs_of_the_strategy(
    strategy: pl.DataFrame, others: dict[str, pl.DataFrame]
) -> None:
    clock = ["day", "fill_day", "exit_day", "asset_return"]
    for ledger in others.values():
        assert ledger.select(clock).equals(strategy.select(clock))
        np.testing.assert_allclose(ledger["cost"], 0.001 * ledger["turnover"].to_numpy(), rtol=1e-12)


def test_a_flat_strategy_has_flat_yardsticks() -> None:
    flat = run(np.array([0.01, -0.02, 0.03]), np.zeros(3))
    for name in ("constant_exposure", "volatility_matched"):
        assert not baselines(flat, np.zeros(3), COSTS)[name]["weight"].to_numpy().any()


@pytest.mark.parametrize("last", [np.zeros(2), np.array([0.0, np.nan, 0.0])])
def test_baselines_need_one_known_return_a_row(last: np.ndarray) -> None:
    with pytest.raises(DataError, match="one finite number for each of the 3"):
        baselines(run(np.zeros(3), np.zeros(3)), last, COSTS)
