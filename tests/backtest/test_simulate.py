from __future__ import annotations

import datetime as dt

import hypothesis.extra.numpy as hnp
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geiger.backtest.costs import Costs
from geiger.backtest.simulate import bankrupt_on, simulate, simulate_many
from geiger.columns import LEDGER, require
from geiger.errors import DataError, SettingError

FREE = Costs(cost_bps=0.0, borrow_rate=0.0, margin_spread=0.0)


def days(n: int) -> list[dt.date]:
    return [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(n)]


def rows_of(returns: list[float], fill: str = "next_open") -> pl.DataFrame:
    delay = 1 if fill == "next_open" else 0
    calendar, n = days(len(returns) + 2), len(returns)
    return pl.DataFrame(
        {
            "day": calendar[:n],
            "entry_day": calendar[delay : n + delay],
            "known_on": calendar[delay + 1 : n + delay + 1],
            "simple": np.asarray(returns, dtype=np.float64),
        }
    )


def ledger_of(
    returns: list[float], weights: list[float], costs: Costs, fill: str = "next_open", **options: object
) -> pl.DataFrame:
    rows = rows_of(returns, fill)
    held = pl.DataFrame({"day": rows["day"], "weight": np.asarray(weights, dtype=np.float64)})
    return simulate(rows, held, costs, **options)  # type: ignore[arg-type]


# Worked out by hand, 10 bp: the -1 of the third row lost 1.5%, so it is 1.015 / (1 - 0.017) of what is left
# and 0.0325534 buys it back to one unit; after the fourth it is 1.005 / (1 - 0.00503255) when it is closed.
ORACLE_RETURNS = [0.01, -0.02, 0.015, 0.005, -0.01, 0.02]
ORACLE_WEIGHTS = [1.0, 1.0, -1.0, -1.0, 0.0, 1.0]
ORACLE_COSTS = Costs(cost_bps=10.0, borrow_rate=0.0)


def test_whole_positions_by_hand() -> None:
    ledger = ledger_of(ORACLE_RETURNS, ORACLE_WEIGHTS, ORACLE_COSTS, liquidate=False)
    rebalanced = 1.015 / 0.983 - 1
    lost = -0.005 - 0.001 * rebalanced
    closed = 1.005 / (1 + lost)
    turnover = [1.0, 0.0, 2.0, rebalanced, closed, 1.0]
    net = [0.009, -0.02, -0.017, lost, -0.001 * closed, 0.019]
    np.testing.assert_allclose(ledger["turnover"], turnover, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ledger["net"], net, rtol=0, atol=1e-12)
    assert rebalanced == pytest.approx(0.0325534, abs=1e-7)
    assert ledger["equity"][-1] == pytest.approx(0.984498186, abs=1e-9)


def test_buying_and_holding_free_of_cost_is_the_asset() -> None:
    ledger = ledger_of(ORACLE_RETURNS, [1.0] * 6, FREE, liquidate=False)
    expected = [1.01, 0.9898, 1.004647, 1.009670235, 0.99957353265, 1.0195650033029997]
    np.testing.assert_allclose(ledger["equity"], expected, rtol=0, atol=1e-12)


def test_fractional_weights_agree_with_a_broker_that_counts_shares_and_cash() -> None:
    # vectorbt 1.2.0: orders of size type "targetpercent", fees 0.001, value of each bar before its own order.
    ledger = ledger_of(
        [0.01, -0.02, 0.015, 0.03, -0.01, 0.02],
        [0.5, -0.5, 0.25, 0.0, -0.8, 0.6],
        Costs(cost_bps=10.0, borrow_rate=0.0),
        liquidate=False,
    )
    expected = [
        1.0045,
        1.01353775,
        1.0165929271249998,
        1.0163357419209376,
        1.0236533592627683,
        1.0345180696507625,
    ]
    np.testing.assert_allclose(ledger["equity"], expected, rtol=1e-12)


def test_the_ledger_is_the_documented_frame_and_its_columns_add_up() -> None:
    ledger = require(ledger_of([0.01, -0.03], [0.4, -1.5], Costs(cash_yield=0.02)), LEDGER)
    total = ledger["gross"] + ledger["financing"] - ledger["cost"]
    np.testing.assert_allclose(ledger["net"], total, rtol=0, atol=1e-15)
    np.testing.assert_allclose(ledger["equity"], (1 + ledger["net"]).cum_prod(), rtol=1e-15)


def test_idle_cash_earns_and_short_proceeds_do_not() -> None:
    costs = Costs(cost_bps=0.0, borrow_rate=0.0, cash_yield=0.0252)
    ledger = ledger_of([0.0] * 4, [0.0, 0.6, -1.0, -0.3], costs, liquidate=False)
    np.testing.assert_allclose(ledger["financing"], [1e-4, 0.4e-4, 0.0, 0.7e-4], rtol=1e-12, atol=0)


def test_leverage_pays_cash_yield_and_spread_on_what_is_borrowed() -> None:
    costs = Costs(cost_bps=0.0, borrow_rate=0.0, cash_yield=0.02, margin_spread=0.0052)
    ledger = ledger_of([0.01], [2.5], costs, liquidate=False)
    assert ledger["financing"][0] == pytest.approx(-1.5 * 0.0252 / 252)
    assert ledger["net"][0] == pytest.approx(0.025 - 1.5e-4)


def test_shorts_pay_the_borrow_fee_by_the_days_of_the_market() -> None:
    costs = Costs(cost_bps=0.0, borrow_rate=0.0365)
    ledger = ledger_of([0.0, 0.0], [-0.5, 0.5], costs, days_per_year=365, liquidate=False)
    np.testing.assert_allclose(ledger["financing"], [-0.5e-4, 0.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("weight", "traded"),
    [
        (0.5, 0.55 / 1.05 - 0.5),  # 0.55 of asset on 1.05 of equity: holding 0.5 sells the difference
        (-0.5, 0.55 / 0.95 - 0.5),
        (-1.0, 1.1 / 0.9 - 1.0),  # owes 1.1 with 0.9 left: a unit short again buys 0.2222 back
        (1.0, 0.0),
        (0.0, 0.0),
    ],
)
def test_every_position_but_none_and_the_whole_equity_drifts(weight: float, traded: float) -> None:
    held = ledger_of([0.1, 0.0], [weight] * 2, FREE, liquidate=False)
    assert held["turnover"][1] == pytest.approx(traded)


def test_a_unit_held_short_pays_for_its_rebalancing() -> None:
    # Up and down by 1% in turn: each day trades about twice the move, 252 x 2 x 1% x 10 bp = 0.5% a year.
    returns = [0.01, -0.01] * 126
    costs = Costs(cost_bps=10.0, borrow_rate=0.0)
    ledger = ledger_of(returns, [-1.0] * 252, costs, liquidate=False)
    assert ledger["cost"][1:].sum() == pytest.approx(0.001 * sum(2 * abs(r) for r in returns[1:]), rel=0.02)


def test_a_levered_position_drifts_up_when_it_loses() -> None:
    # 2.0 after -10%: 1.8 of asset on 0.8 of equity = 2.25.
    ledger = ledger_of([-0.1, 0.0], [2.0, 2.0], FREE, liquidate=False)
    assert ledger["turnover"][1] == pytest.approx(0.25)


def test_from_long_to_short_trades_two_units() -> None:
    assert ledger_of([0.0, 0.0], [1.0, -1.0], FREE, liquidate=False)["turnover"].to_list() == [1.0, 2.0]


def test_closing_is_paid_on_the_last_row() -> None:
    open_, closed = (
        ledger_of([0.01, 0.02], [0.0, 0.5], ORACLE_COSTS, liquidate=liquidate) for liquidate in (False, True)
    )
    grown = 0.5 * 1.02  # of the equity at the start of the row
    assert closed["turnover"][1] == pytest.approx(0.5 + grown)
    assert closed["net"][1] == pytest.approx(0.5 * 0.02 - 0.001 * (0.5 + grown))
    assert closed.row(0) == open_.row(0)


@pytest.mark.parametrize(("weight", "asset_return"), [(3.0, -0.4), (-2.0, 0.6), (1.0, -1.0)])
def test_bankruptcy_ends_trading(weight: float, asset_return: float) -> None:
    ledger = ledger_of([0.01, asset_return, 0.05, 0.05], [0.0, weight, 1.0, -1.0], Costs(cash_yield=0.05))
    assert ledger["net"].to_list()[1:] == [-1.0, 0.0, 0.0]
    assert ledger["equity"].to_list()[1:] == [0.0, 0.0, 0.0]
    assert ledger["weight"].to_list() == [0.0, weight, 0.0, 0.0]
    assert ledger["financing"].to_list()[2:] == [0.0, 0.0]
    assert ledger["turnover"].to_list()[2:] == [0.0, 0.0]
    assert bankrupt_on(ledger) == ledger["exit_day"][1]


def test_a_path_that_survives_is_not_bankrupt() -> None:
    assert bankrupt_on(ledger_of([-0.5], [1.0], FREE)) is None


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_decision_fill_and_exit_are_columns_in_that_order(fill: str) -> None:
    ledger = ledger_of([0.01, 0.02, 0.03], [1.0, 0.0, 1.0], FREE, fill=fill)
    if fill == "close":
        assert ledger["fill_day"].equals(ledger["day"].alias("fill_day"))
    else:
        assert (ledger["day"] < ledger["fill_day"]).all()
    assert (ledger["fill_day"] < ledger["exit_day"]).all()
    assert ledger["exit_day"][:-1].to_list() == ledger["fill_day"][1:].to_list()


def test_a_fill_before_the_decision_is_refused() -> None:
    rows = rows_of([0.0, 0.0]).with_columns(entry_day=pl.col("day") - pl.duration(days=1))
    with pytest.raises(DataError, match=r"2020-01-01.*filled before its decision"):
        simulate(rows, weights_for(rows), FREE)


def test_an_exit_on_the_decision_day_is_refused() -> None:
    rows = rows_of([0.0, 0.0], "close").with_columns(known_on=pl.col("day"))
    with pytest.raises(DataError, match="ends before it can be held"):
        simulate(rows, weights_for(rows), FREE)


def test_a_horizon_above_one_is_refused() -> None:
    rows = rows_of([0.0] * 3).with_columns(known_on=pl.col("known_on") + pl.duration(days=1))
    with pytest.raises(DataError, match="overlaps the next one; only horizon 1"):
        simulate(rows, weights_for(rows), FREE)


def test_a_gap_is_refused() -> None:
    rows = rows_of([0.0] * 4)[[0, 1, 3]]
    with pytest.raises(DataError, match=r"2020-01-02.*leaves a gap"):
        simulate(rows, weights_for(rows), FREE)


def test_two_fills_in_one_ledger_are_refused() -> None:
    rows = rows_of([0.0] * 3)
    rows = rows.with_columns(day=pl.Series([rows["day"][0], rows["entry_day"][1], rows["entry_day"][2]]))
    with pytest.raises(DataError, match="another time than the first row"):
        simulate(rows, weights_for(rows), FREE)


def test_an_unknown_outcome_is_refused() -> None:
    rows = rows_of([0.0] * 3).with_columns(simple=pl.Series([0.1, 0.2, None]))
    with pytest.raises(DataError, match="simple is missing in row 2; drop rows"):
        simulate(rows, weights_for(rows), FREE)


def test_weights_of_other_days_are_refused() -> None:
    rows = rows_of([0.0] * 3)
    with pytest.raises(DataError, match="the same days"):
        simulate(rows[1:], weights_for(rows)[:-1], FREE)


def test_rows_without_the_needed_columns_are_refused() -> None:
    rows = rows_of([0.0] * 3)
    with pytest.raises(DataError, match="lack known_on"):
        simulate(rows.drop("known_on"), weights_for(rows), FREE)
    with pytest.raises(DataError, match="no rows to trade"):
        simulate(rows[:0], weights_for(rows)[:0], FREE)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.01])
def test_an_impossible_return_is_refused(bad: float) -> None:
    with pytest.raises(DataError, match=r"row 1 has the return"):
        simulate_many(np.array([0.0, bad]), np.ones((2, 1)), FREE)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match=r"\(3,\) and \(2, 1\)"):
        simulate_many(np.zeros(3), np.zeros((2, 1)), FREE)
    with pytest.raises(DataError, match="weight is not finite in row 1"):
        simulate_many(np.zeros(2), np.array([[0.0], [np.nan]]), FREE)
    with pytest.raises(SettingError, match="days_per_year"):
        simulate_many(np.zeros(2), np.zeros((2, 1)), FREE, days_per_year=0)


def weights_for(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"day": rows["day"], "weight": np.ones(len(rows))})


def account(
    returns: list[float], weights: list[float], costs: Costs, days_per_year: int, liquidate: bool
) -> list[tuple[float, float]]:
    """Net return and equity of each row, by keeping an account at a broker: shares, their price, and money.

    Every order is in shares and pays its fee in money; shares sold short are owed until they are bought back.
    One thing is free, as for who reinvests what he holds: fees and interest of the whole equity in the asset
    (+1) are settled in shares.
    """
    rate = (costs.cost_bps + costs.slippage_bps) / 10_000
    price, shares, money, found = 1.0, 0.0, 1.0, []
    for row, (r, w) in enumerate(zip(returns, weights, strict=True)):
        start = money + shares * price
        if start == 0.0:
            found.append((0.0, 0.0))
            continue
        order = w * start / price - shares
        shares += order
        money -= order * price + rate * abs(order) * price
        value = shares * price
        lent, borrowed, owed = max(0.0, start - abs(value)), max(0.0, abs(value) - start), max(-value, 0.0)
        money += (
            lent * costs.cash_yield
            - borrowed * (costs.cash_yield + costs.margin_spread)
            - owed * costs.borrow_rate
        ) / days_per_year
        price *= 1 + r
        if money + shares * price > 0 and liquidate and row == len(returns) - 1:
            money += shares * price - rate * abs(shares) * price
            shares = 0.0
        equity = max(0.0, money + shares * price)
        if equity == 0.0:
            money, shares = 0.0, 0.0
        elif w == 1.0 and shares:
            money, shares = 0.0, equity / price
        found.append((equity / start - 1, equity))
    return found


weight = st.one_of(st.sampled_from([-1.0, 0.0, 1.0]), st.floats(-3, 3).map(lambda x: round(x, 6)))
a_return = st.floats(-0.3, 0.4).map(lambda x: round(x, 8))


@settings(max_examples=200, deadline=None)
@given(
    path=st.lists(st.tuples(a_return, weight), min_size=1, max_size=30),
    cost=st.sampled_from([0.0, 5.0, 120.0]),
    rates=st.tuples(*[st.sampled_from([0.0, 0.01, 0.2])] * 3),
    days_per_year=st.sampled_from([252, 365]),
    liquidate=st.booleans(),
)
def test_the_ledger_agrees_with_an_account_kept_in_money(
    path: list[tuple[float, float]],
    cost: float,
    rates: tuple[float, float, float],
    days_per_year: int,
    liquidate: bool,
) -> None:
    returns, weights = [list(column) for column in zip(*path, strict=True)]
    costs = Costs(cost, 1.0, *rates)
    ledger = ledger_of(returns, weights, costs, days_per_year=days_per_year, liquidate=liquidate)
    net, equity = zip(*account(returns, weights, costs, days_per_year, liquidate), strict=True)
    # Near a wipe-out the weight before the next trade is a small number's inverse: rounding grows with it.
    scale = 1.0 / max(min(value for value in equity if value > 0) if any(equity) else 1.0, 1e-3)
    np.testing.assert_allclose(ledger["net"], net, rtol=0, atol=1e-11 * scale**2)
    np.testing.assert_allclose(ledger["equity"], equity, rtol=0, atol=1e-11 * scale**2)


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float64, (12, 5), elements=st.floats(-2, 2)))
def test_many_paths_at_once_are_the_same_bits_as_one_by_one(weights: np.ndarray) -> None:
    returns = np.linspace(-0.05, 0.06, 12)
    together = simulate_many(returns, weights, Costs())
    for column in range(5):
        alone = simulate_many(returns, weights[:, [column]], Costs())
        for mine, theirs in zip(alone, together, strict=True):
            np.testing.assert_array_equal(mine[:, 0], theirs[:, column])


@settings(max_examples=30, deadline=None)
@given(hnp.arrays(np.float64, 12, elements=st.floats(-1, 1)), st.integers(1, 11))
def test_the_past_of_a_ledger_does_not_know_its_future(weights: np.ndarray, cut: int) -> None:
    returns = np.linspace(-0.05, 0.06, 12)
    whole = simulate_many(returns, weights[:, None], Costs(), liquidate=False)
    part = simulate_many(returns[:cut], weights[:cut, None], Costs(), liquidate=False)
    for mine, theirs in zip(part, whole, strict=True):
        np.testing.assert_array_equal(mine, theirs[:cut])
