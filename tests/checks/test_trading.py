from __future__ import annotations

from geiger.records import (
    Year,
)
from helpers.cases import CODES, card, case


def test_one_year_can_carry_the_result_where_the_log_has_no_folds() -> None:
    years = tuple(Year(2010 + i, 252, net, 0.0, 0.1, 1.0) for i, net in enumerate((-0.02, 0.4, -0.05)))
    found = CODES["GC404"](case(card(folds=(), years=years)))
    assert found is not None
    assert found.text.startswith("year 2011 gained 40.00%, all others together -6.90%")
