"""Own features at many cuts: a look ahead in few rows is found, and what cannot be altered is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from geiger.audit.own_calls import call_own, rows_to_cut
from geiger.audit.proof import prove
from geiger.audit.worlds import World
from geiger.errors import DataError
from geiger.experiment.own import own_features
from geiger.experiment.plan import Experiment
from geiger.market.loaded import Loaded
from geiger.market.synthetic import garch_market
from geiger.runs.audits import Audit
from helpers.runs import experiment, small
from helpers.stacks import material

PRICES = garch_market(900, 3)
Function = Callable[[pl.DataFrame], Any]


def returns(bars: pl.DataFrame) -> Any:
    return np.diff(np.log(bars["close"].to_numpy()), prepend=np.nan)


def next_one(bars: pl.DataFrame) -> Any:
    return np.append(returns(bars)[1:], 0.0)


def month_end(bars: pl.DataFrame) -> Any:
    ends = (bars["day"].dt.month() != bars["day"].dt.month().shift(-1)).fill_null(value=False)
    return np.where(ends.to_numpy(), next_one(bars), np.nan_to_num(returns(bars)))


def month_of_last_bar(bars: pl.DataFrame) -> Any:
    return np.nan_to_num(returns(bars)) * bars["day"][-1].month


def fourier(bars: pl.DataFrame) -> Any:
    moves = np.nan_to_num(returns(bars))
    size = 2 * len(moves)
    weights = np.exp(-np.arange(len(moves)) / 50.0)
    return np.fft.irfft(np.fft.rfft(moves, size) * np.fft.rfft(weights, size), size)[: len(moves)]


def weekday(bars: pl.DataFrame) -> Any:
    return bars["day"].dt.weekday()


def proved(folder: Path, function: Any) -> Audit:
    given: Experiment = replace(experiment(folder, PRICES, config=small(max_folds=2)), features=function)
    world = World(Loaded("TEST", PRICES, "frame", "given in memory"), features=own_features(function))
    return prove(given, world)


@pytest.mark.parametrize("function", [month_end, month_of_last_bar])
def test_a_look_ahead_in_few_rows_is_red(tmp_path: Path, function: Function) -> None:
    found = proved(tmp_path, function)
    assert (found.color, found.leaks[0].stage) == ("red", "features")
    assert found.leaks[0].column == function.__name__


@pytest.mark.slow
def test_rounding_that_depends_on_later_rows_is_no_leak(tmp_path: Path) -> None:
    assert not np.array_equal(fourier(PRICES)[:700], fourier(PRICES.head(700)))
    assert proved(tmp_path, fourier).leaks == ()


@pytest.mark.slow
def test_a_column_that_ignores_its_bars_is_said_not_to_be_checked(tmp_path: Path) -> None:
    told = [one.why for one in proved(tmp_path, weekday).not_checked if one.stage == "own features"]
    assert any(why.startswith("weekday: the same whatever the bars") for why in told)
    told = [one.why for one in proved(tmp_path, fourier).not_checked if one.stage == "own features"]
    assert not any("whatever the bars" in why for why in told)


@pytest.mark.slow
def test_a_file_that_remembers_its_first_bars_is_red(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(
        "import numpy as np\n"
        "kept = {}\n"
        "def memo(bars):\n"
        "    move = np.diff(np.log(bars['close'].to_numpy()), append=np.nan)\n"
        "    kept.setdefault('first', dict(zip(bars['day'], np.nan_to_num(move))))\n"
        "    return np.array([kept['first'].get(day, 0.0) for day in bars['day']])\n"
    )
    found = proved(tmp_path, f"{file}:memo")
    assert (found.color, found.leaks[0].column) == ("red", "memo")


def test_an_audit_of_no_other_future_is_no_green_one(tmp_path: Path) -> None:
    def picky(bars: pl.DataFrame) -> Any:
        if bars.height not in (900, 600) or not bars.equals(PRICES.head(bars.height).select(bars.columns)):
            raise ValueError("these are not the bars")
        return returns(bars)

    with pytest.raises(DataError, match=r"nothing can be proved behind .*these are not the bars"):
        proved(tmp_path, picky)


def test_cuts_fall_on_days_of_every_kind() -> None:
    rows = rows_to_cut(PRICES, 300)
    days = PRICES["day"][rows]
    assert rows == sorted(set(rows))
    assert rows[0] >= 300
    assert set(days.dt.weekday()) == set(PRICES["day"].dt.weekday())
    assert (PRICES["day"].dt.month() != PRICES["day"].dt.month().shift(-1))[rows].sum() >= 3


def test_a_call_that_ends_is_said(tmp_path: Path) -> None:
    def short(bars: pl.DataFrame) -> Any:
        if bars.height < known.prices.height:
            raise ValueError("too short")
        return returns(bars)

    known = material()
    features = own_features(short)
    assert features is not None
    called = call_own(features, known)
    assert called.failed is not None
    assert "too short" in called.failed
    assert called.calls > 0


@pytest.mark.slow
def test_columns_that_come_and_go_with_later_rows_are_not_passed_over(tmp_path: Path) -> None:
    far = 5.0 * float(PRICES["close"].to_numpy().max())

    def fewer_of_them(bars: pl.DataFrame) -> pl.DataFrame:
        close = pl.col("close").log().diff().fill_null(0.0)
        made = bars.select("day", a=close, b=close.abs())
        return made.drop("b") if bars["close"][-1] > far else made

    found = proved(tmp_path, fewer_of_them)
    assert found.blind == len(found.cuts) - 1  # nothing lies behind the last, which is no other world
    assert not found.complete
    assert any("others" in gap.why for gap in found.not_checked)
