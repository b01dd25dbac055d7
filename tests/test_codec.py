"""Whether JSON fits a type: what is taken, and the line that names the field that is not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from geiger.codec import LARGEST, Misfit, fitted, fitted_texts, parsed, plain, straight
from geiger.records import Status


@dataclass(frozen=True)
class Part:
    name: str
    value: float | None = None
    pair: tuple[int, str] = (0, "")


@dataclass(frozen=True)
class Whole:
    status: Status
    parts: tuple[Part, ...]
    count: int = 1
    sure: bool = False
    notes: Mapping[str, str] | None = None


WHOLE = Whole(Status.FAILED, (Part("a", 0.1, (3, "x")), Part("nan")), notes={"b": "inf"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, true, "é"]}', {"a": [1, 2.5, None, True, "é"]}),
        ('"é"'.encode(), "é"),
        ("[Infinity, -Infinity]", [math.inf, -math.inf]),
        (str(LARGEST - 1), LARGEST - 1),
        (str(1 - LARGEST), 1 - LARGEST),
        ("1e300", 1e300),
    ],
)
def test_a_text_is_read_as_python_reads_json(text: str | bytes, value: Any) -> None:
    assert parsed(text) == value


def test_not_a_number_is_a_number() -> None:
    assert math.isnan(parsed("NaN"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "damaged, no JSON"),
        ('{"a": 1', "damaged, no JSON"),
        (b"\xff\xfe\x00", "damaged, no JSON"),
        ("[" * 200_000 + "]" * 200_000, "nested too deeply"),
        (f"[{LARGEST}]", f"{LARGEST} is larger than any number of ours"),
        (f"[-{LARGEST}]", f"-{LARGEST} is larger than any number of ours"),
        ("9" * 10_000, "a number of 10000 digits"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_text_that_nothing_of_ours_wrote_is_refused(text: str | bytes, why: str) -> None:
    with pytest.raises(Misfit) as caught:
        parsed(text)
    assert str(caught.value) == why


def test_a_record_comes_back_from_its_text() -> None:
    written = plain(WHOLE)
    assert written == {
        "status": "FAILED",
        "parts": [
            {"name": "a", "value": 0.1, "pair": [3, "x"]},
            {"name": "nan", "value": None, "pair": [0, ""]},
        ],
        "count": 1,
        "sure": False,
        "notes": {"b": "inf"},
    }
    assert fitted(parsed(json.dumps(written)), Whole) == WHOLE


def test_what_is_missing_takes_its_default_and_what_is_new_is_passed_over() -> None:
    assert fitted({"status": "SUCCESS", "parts": [], "of a later version": [1]}, Whole) == Whole(
        Status.SUCCESS, ()
    )


def test_a_whole_number_is_a_number_and_stays_no_text() -> None:
    found = fitted({"name": "a", "value": 2}, Part).value
    assert (found, type(found)) == (2.0, float)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": None}, "status: expected `str`, got `null`"),
        ({"status": "FINE"}, "status: invalid enum value 'FINE'"),
        ({"parts": {}}, "parts: expected `array`, got `object`"),
        ({"parts": [{"name": "a"}, {"value": 1.0}]}, "parts[1]: object missing required field `name`"),
        ({"parts": [{"name": 7}]}, "parts[0].name: expected `str`, got `int`"),
        ({"parts": [{"name": "a", "value": True}]}, "parts[0].value: expected `float | null`, got `bool`"),
        ({"parts": [{"name": "a", "value": "0.5"}]}, "parts[0].value: expected `float | null`, got `str`"),
        ({"parts": [{"name": "a", "pair": [1]}]}, "parts[0].pair: expected `array` of length 2, got 1"),
        ({"parts": [{"name": "a", "pair": [1, 2]}]}, "parts[0].pair[1]: expected `str`, got `int`"),
        ({"count": True}, "count: expected `int`, got `bool`"),
        ({"count": 1.5}, "count: expected `int`, got `float`"),
        ({"count": math.nan}, "count: expected `int`, got `float`"),
        ({"sure": 1}, "sure: expected `bool`, got `int`"),
        ({"notes": {"b": 1}}, "notes[...]: expected `str`, got `int`"),
    ],
)
@pytest.mark.parametrize("read", [fitted, fitted_texts])
def test_a_field_that_does_not_fit_is_named(read: Any, change: dict[str, Any], why: str) -> None:
    with pytest.raises(Misfit) as caught:
        read({**plain(WHOLE), **change}, Whole)
    assert str(caught.value) == why


@pytest.mark.parametrize("value", [None, [], "text", 1.0])
def test_what_is_no_record_at_all_is_refused_without_a_field(value: Any) -> None:
    with pytest.raises(Misfit, match=r"^expected `object`, got `\w+`$"):
        fitted(value, Part)


def test_numbers_that_json_has_no_word_for_are_texts_on_demand() -> None:
    parts = tuple(Part(str(value), value) for value in (math.inf, -math.inf, math.nan, 0.5))
    written = plain(parts, texts=True)
    assert [one["value"] for one in written] == ["inf", "-inf", "nan", 0.5]
    json.dumps(written, allow_nan=False)  # as any reader of JSON takes it
    back = fitted_texts(written, tuple[Part, ...])
    assert [one.name for one in back] == ["inf", "-inf", "nan", "0.5"]  # where a text stands, it stays one
    np.testing.assert_array_equal([one.value for one in back], [math.inf, -math.inf, math.nan, 0.5])
    with pytest.raises(Misfit, match=r"\[0\]\.value: expected `float \| null`, got `str`"):
        fitted(written, tuple[Part, ...])
    with pytest.raises(ValueError, match="Out of range"):
        json.dumps(plain(parts), allow_nan=False)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "+inf", "1.0", ""])
def test_no_other_text_stands_for_a_number(text: str) -> None:
    with pytest.raises(Misfit, match=r"value: expected `float \| null`, got `str`"):
        fitted_texts({"name": "a", "value": text}, Part)


def test_texts_are_numbers_within_pairs_too() -> None:
    assert fitted_texts([["a", "-inf"]], tuple[tuple[str, float | None], ...]) == (("a", -math.inf),)


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    written = plain([np.float64(0.1), np.int64(3), np.bool_(True), np.float64("inf")], texts=True)
    assert written == [0.1, 3, True, "inf"]
    assert [type(value) for value in written] == [float, int, bool, str]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "value": 1, "pair": [2, "x"]}',
        '{"name": "a", "added later": [{}], "value": 0.1}',
        '{"name": "a", "name": "b"}',
        '{"name": "a", "value": 123456789012345678901234567890}',
    ],
)
def test_the_straight_way_gives_the_same_record(text: str) -> None:
    assert straight(Part)(text) == fitted_texts(json.loads(text), Part)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"name": 1}',
        '{"name": "a", "value": NaN}',
        '{"name": "a", "value": "nan"}',
        '{"name": "\ud800"}',
        "[" * 100_000,
        '{"name": "a", "x": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"name": "a", "value": 1e999}',
    ],
)
def test_what_the_straight_way_cannot_tell_is_left_to_the_other(text: str) -> None:
    assert straight(Part)(text) is None
