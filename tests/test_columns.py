"""The one check of every frame that crosses a border, and the schemas it is given."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from geiger import columns
from geiger.columns import IMPORTANCES, IN_SAMPLE, MEMBERS, RIVALS, STACK_WEIGHTS, Schema, require
from geiger.errors import DataError

DAYS = [dt.date(2024, 1, 2), dt.date(2024, 1, 3)]
FRAMES = {
    MEMBERS.name: (
        MEMBERS,
        {"day": DAYS * 2, "seed": [0, 0, 1, 1], "fold": [0] * 4, "forecast": [0.1, 0.2, 0.3, 0.4]},
    ),
    IN_SAMPLE.name: (IN_SAMPLE, {"day": DAYS * 2, "fold": [0, 0, 1, 1], "forecast": [0.1, 0.2, 0.3, 0.4]}),
    IMPORTANCES.name: (
        IMPORTANCES,
        {"feature": ["ret_5", "atr_14", "ret_5"], "fold": [0, 0, 1], "importance": [0.9, 0.1, 1.0]},
    ),
    STACK_WEIGHTS.name: (
        STACK_WEIGHTS,
        {
            "fold": [0, 0],
            "day": DAYS[:1] * 2,
            "model": ["xgb", "ridge"],
            "weight": [0.5, 0.0],
            "left_out": [None, "COLLAPSED_CONSTANT"],
        },
    ),
    RIVALS.name: (
        RIVALS,
        {"day": DAYS * 2, "rival": ["ridge", "ridge", "equal", "equal"], "forecast": [0.1, 0.2, 0.3, 0.4]},
    ),
}


def made(name: str) -> tuple[Schema, pl.DataFrame]:
    schema, data = FRAMES[name]
    return schema, pl.DataFrame(data, schema=dict(schema.columns))


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_its_schema_comes_back_unchanged(name: str) -> None:
    schema, frame = made(name)
    assert require(frame, schema) is frame
    assert require(frame.clear(), schema).is_empty()


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_with_other_columns_types_holes_or_doubles_is_refused(name: str) -> None:
    schema, frame = made(name)
    last, number = frame.columns[-1], next(c for c, t in schema.columns.items() if t == pl.Float64)
    hole = pl.when(pl.int_range(pl.len()) > 0).then(number).alias(number)
    for wrong, said in (
        (frame.drop(last), "expected columns"),
        (frame.select(reversed(frame.columns)), "expected columns"),
        (frame.with_columns(pl.col(number).cast(pl.Float32)), f"{number!r} must be Float64"),
        (frame.with_columns(hole), f"{number!r} has no value in row 0"),
        (frame.with_columns(pl.lit(float("nan")).alias(number)), f"{number!r} is not finite in row 0"),
        (pl.concat([frame, frame]), "occurs twice"),
    ):
        with pytest.raises(DataError, match=said) as refused:
            require(wrong, schema)
        assert str(refused.value).startswith(f"{schema.name}: ")


@pytest.mark.parametrize("name", FRAMES)
def test_rows_ascend_where_the_schema_says_so(name: str) -> None:
    schema, frame = made(name)
    turned = frame.reverse()
    if not schema.ascending:
        assert require(turned, schema) is turned
        return
    with pytest.raises(DataError, match=f"rows must ascend by {', '.join(schema.key)}"):
        require(turned, schema)


@pytest.mark.parametrize("days", [-719_163, 2_932_897, 2_147_483_647])
def test_a_day_that_no_calendar_has_is_refused(days: int) -> None:
    """Polars holds such days, and panics where they become dates."""
    schema, frame = made(MEMBERS.name)
    far = pl.lit(days, pl.Int32).cast(pl.Date).alias("day")
    with pytest.raises(DataError, match="'day' has a day that no calendar has"):
        require(frame.with_columns(far), schema)
    last = frame.head(1).with_columns(day=pl.lit(dt.date.max))
    assert require(last, schema) is last


def test_every_schema_can_be_held_to() -> None:
    known = [item for item in vars(columns).values() if isinstance(item, Schema)]
    assert len({schema.name for schema in known}) == len(known) == 15
    for schema in known:
        assert set(schema.key) <= set(schema.columns)
        assert schema.nullable <= set(schema.columns) - set(schema.key)
        assert require(pl.DataFrame(schema=dict(schema.columns)), schema).is_empty()
