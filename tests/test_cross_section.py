"""The records of a cross-section: figures made of others, and the way through JSON."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from geiger.codec import fitted, plain
from geiger.cross_section import CrossSection, RankIC
from helpers.cross_sections import FOUND


def test_t_and_ratio_by_hand() -> None:
    one = RankIC(kind="all", name="all days", days=9, mean=0.03, deviation=0.2, error=0.01)
    assert one.t == pytest.approx(3.0)
    assert one.ratio == pytest.approx(0.15)


@pytest.mark.parametrize(
    "broken", [{"mean": None}, {"error": None, "deviation": None}, {"error": 0.0, "deviation": 0.0}]
)
def test_what_is_undefined_is_none(broken: dict[str, float | None]) -> None:
    whole: dict[str, float | None] = {"mean": 0.1, "deviation": 0.2, "error": 0.01}
    one = RankIC(kind="all", name="x", days=3, **{**whole, **broken})
    assert (one.t, one.ratio) == (None, None)


def test_json_keeps_all_of_it() -> None:
    assert all(getattr(FOUND, field.name) for field in fields(CrossSection))
    assert fitted(json.loads(json.dumps(plain(FOUND))), CrossSection) == FOUND
    empty = CrossSection(least_names=10, names=(10, 11, 12), ics=())
    assert fitted(json.loads(json.dumps(plain(empty))), CrossSection) == empty
