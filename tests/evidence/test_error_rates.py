"""Measured error rates: which table belongs to which settings, what it says, and what the package carries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.evidence.error_rates import ErrorRates, Power, Rate, error_rates, tables, write_tables

NULL = (Rate(name="calm", n=300, count=2), Rate(name="wild", n=100, count=1))
FOUND = (
    Power(signal="a", r2=0.01, n=50, count=20, oracle=49),
    Power(signal="b", r2=0.01, n=50, count=18, oracle=50),
    Power(signal="a", r2=0.0025, n=50, count=3, oracle=20),
)
RIDGE = ErrorRates(model="ridge", recipe="default", rows=1764, level=0.01, null=NULL, planted=FOUND)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    longer = replace(RIDGE, rows=3528, null=())
    lighter = replace(RIDGE, effort=("fitted every 252 days",))
    write_tables(tmp_path / "one.json", [lighter, longer])
    write_tables(tmp_path / "two.json", [replace(RIDGE, model="lgb"), RIDGE])
    return tmp_path


def test_the_nearest_of_the_same_settings(folder: Path) -> None:
    assert error_rates("ridge", "default", 1764, folder=folder) == RIDGE
    assert error_rates("ridge", "default", 2000, folder=folder) == RIDGE
    longer = error_rates("ridge", "default", 3000, folder=folder)
    assert longer is not None
    assert longer.rows == 3528


@pytest.mark.parametrize(
    "asked",
    [
        ("ridge", "plan", 1764, 1),
        ("xgb", "default", 1764, 1),
        ("ridge", "default", 1764, 5),
        ("ridge", "default", 1175, 1),  # 1764 / 1.5 = 1176
        ("ridge", "default", 5293, 1),  # 3528 x 1.5 = 5292
        ("ridge", "default", 0, 1),
    ],
)
def test_other_settings_were_not_measured(folder: Path, asked: tuple[str, str, int, int]) -> None:
    assert error_rates(*asked, folder=folder) is None


def test_panels_are_other_settings(folder: Path) -> None:
    assert error_rates("ridge", "default", 1764, symbols=20, folder=folder) is None


def test_what_it_says() -> None:
    assert RIDGE.text() == (
        "rang on 3 of 400 no-skill markets (0.2% to 2.2%); found R2 0.25% in 3 of 50, R2 1% in 38 of 100 "
        "(1764 days)"
    )
    lighter = replace(RIDGE, planted=(), effort=("fitted every 252 days",))
    assert lighter.text() == (
        "rang on 3 of 400 no-skill markets (0.2% to 2.2%) (1764 days, fitted every 252 days)"
    )


def test_families_that_ring_too_often_are_named() -> None:
    assert RIDGE.too_often == ()
    bad = replace(RIDGE, null=(*NULL, Rate(name="skewed", n=100, count=9)))
    assert bad.too_often == ("skewed",)
    assert bad.text().endswith("; too often on skewed")


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('[{"model": 3}]')
    with pytest.raises(DataError, match=r"bad\.json: .*make it again with geiger calibrate"):
        error_rates("ridge", "default", 1764, folder=tmp_path)


def test_the_package_carries_tables_that_hold_what_they_promise() -> None:
    """No family above the level beyond chance, and the planted signal itself is found where R2 is 1%."""
    carried = tables()
    assert {one.model for one in carried} >= {"ridge", "lgb"}
    for one in carried:
        assert one.too_often == ()
        plain = [power for power in one.planted if power.r2 == 0.01 and one.rows >= 1764]  # seven years
        assert all(power.oracle >= 0.9 * power.n for power in plain)
        assert all(0 <= rate.count <= rate.n for rate in (*one.null, *one.moving, *one.gates, *one.tries))
