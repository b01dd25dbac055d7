from __future__ import annotations

import polars as pl
import pytest

from geiger.features import build_features
from helpers.bars import features_of


def test_calendar_by_hand() -> None:
    # 2021-01-27 was a Wednesday; 29 January the last weekday of the month.
    out = features_of([(1, 1, 1, 1, 1)] * 20)
    assert out["turn_of_month"][:7] == [0, 0, 1, 1, 1, 1, 0]
    assert out["january"][:4] == [1, 1, 1, 0]
    assert out["monday"][:5] == [0, 0, 0, 1, 0]
    assert out["month_progress"][:4] == pytest.approx([19 / 21, 20 / 21, 1.0, 1 / 20])
    assert out["quarter_progress"][3] == pytest.approx(22 / 64)
    assert [place for place, flag in enumerate(out["expiry_week"]) if flag] == [
        13,
        14,
        15,
        16,
        17,
    ]  # 15-19 February
    assert out["weekdays_missed"][1:] == [0.0] * 19
    assert out["weekday_cos"][3] == 1.0


def test_a_holiday_is_a_missed_weekday() -> None:
    days = pl.Series("day", ["2021-07-01", "2021-07-02", "2021-07-06"]).str.to_date()
    frame = pl.DataFrame({"day": days}).with_columns(
        pl.lit(1.0).alias(name) for name in ("open", "high", "low", "close", "raw_close", "volume")
    )
    assert build_features(frame)["weekdays_missed"].to_list()[1:] == [0.0, 1.0]
