from __future__ import annotations

import pytest

from geiger.records import (
    Year,
)
from helpers.cases import CODES, NAME, both, card, case, figures, with_


def test_one_year_can_carry_the_result_where_the_log_has_no_folds() -> None:
    years = tuple(Year(2010 + i, 252, net, 0.0, 0.1, 1.0) for i, net in enumerate((-0.02, 0.4, -0.05)))
    found = CODES["GC404"](case(card(folds=(), years=years)))
    assert found is not None
    assert found.text.startswith("year 2011 gained 40.00%, all others together -6.90%")


@pytest.mark.parametrize(("said", "fires"), [(0.7, False), (0.71, True), (0.91, True)])
def test_no_day_ahead_forecast_is_right_so_often(said: float, fires: bool) -> None:
    alone = with_(figures=figures(Direction_Accuracy=said, Base_Rate=None, Test_Sharpe=0.9), schema=None)
    found = CODES["GC401"](case(both(card(scores=()), alone)))
    assert (found is not None) is fires
    if found is not None:
        assert "direction accuracy of" in found.text
        assert found.next == f"geiger logs show {NAME}", "nobody knows the prices of another program's log"


def test_where_there_is_a_base_rate_the_accuracy_is_told_beside_it() -> None:
    beside = with_(figures=figures(Direction_Accuracy=0.91, Base_Rate=0.9, Test_Sharpe=0.9))
    assert CODES["GC401"](case(both(card(scores=()), beside))) is None
