"""What is planted reads ahead as far as it says, and a leak of size 0 is none."""

from __future__ import annotations

import numpy as np
import pytest

from geiger.audit import leaks
from geiger.audit.canaries import CANARIES, Canary
from geiger.audit.cuts import INSIDE
from geiger.audit.proof import Scope
from geiger.audit.worlds import World
from geiger.learning.windows import Floats
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market


@pytest.fixture(scope="module")
def close() -> Floats:
    return garch_market(400, seed=1)["close"].to_numpy()


def moved_by(made: leaks.OfClose, close: Floats, row: int) -> set[int]:
    """The rows of a column that move with one close, in days from it."""
    other = close.copy()
    other[row] *= 1.01
    return {int(at) - row for at in np.flatnonzero(made(close) != made(other))}


def test_tomorrow_is_the_next_rows_return(close: Floats) -> None:
    assert leaks.tomorrow(close)[10] == np.log(close[11]) - np.log(close[10])
    assert leaks.tomorrow(close)[-1] == 0.0
    assert moved_by(leaks.tomorrow, close, 200) == {-1, 0}


def test_a_centred_window_reaches_two_days_ahead(close: Floats) -> None:
    # five returns add up to the last close over the one before the first: the closes between cancel
    assert moved_by(leaks.centred, close, 200) == {-2, 3}
    returns = np.diff(np.log(close))
    assert leaks.centred(close)[200] == pytest.approx(returns[197:202].mean())


def test_a_whole_series_filter_moves_everywhere(close: Floats) -> None:
    moved = moved_by(leaks.smoothed, close, 300)
    assert {-299, -150, 99} <= moved
    assert leaks.smoothed(close).std() < 0.5 * np.diff(np.log(close)).std()  # it does smooth


def test_a_level_moves_with_a_later_split(close: Floats) -> None:
    assert moved_by(leaks.level, close, 200) == {0}
    assert leaks.level(0.5 * close)[7] != leaks.level(close)[7]


@pytest.mark.parametrize("canary", [c for c in CANARIES if c.graded], ids=lambda canary: canary.name)
def test_a_leak_of_size_0_is_none(canary: Canary) -> None:
    prices = garch_market(900, seed=13)
    symbol = Loaded("AAPL", prices, "frame", "given in memory")
    world = World(symbol, Loaded("^GSPC", prices, "frame", "given in memory"))

    found = canary.audit(world, size=0.0, scope=Scope(cuts=(INSIDE,), futures=("next_row", "noise")))

    assert found.leaks == ()
