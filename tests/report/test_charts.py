"""Charts: what they keep of long lines, what they call themselves, and how they follow the page."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest

from geiger.report.charts import (
    Member,
    binned,
    calibration_drawing,
    epochs_drawing,
    equity_drawing,
    line_style,
    relative_losses,
    thin,
    weights_chart,
    weights_drawing,
)

DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(400)]


def member(losses: list[float]) -> Member:
    values = np.array(losses)
    return Member(np.arange(values.size, dtype=float), values, values, values, 50 + values, best=0)


def test_a_thinned_line_keeps_its_ends_and_its_extremes() -> None:
    values = np.sin(np.linspace(0, 60, 10_000))
    values[[1234, 8765]] = (9.0, -9.0)
    kept = thin(values, 300)
    assert kept.size <= 300
    assert np.all(np.diff(kept) > 0)
    assert {0, 1234, 8765, 9999} <= set(kept.tolist())


def test_the_beginning_of_a_thinned_line_can_be_kept_whole() -> None:
    assert thin(np.linspace(1, 0, 1000), 10, head=5)[:5].tolist() == [0, 1, 2, 3, 4]


def test_many_lines_never_look_the_same() -> None:
    looks = {(line_style(i)["color"], line_style(i).get("dashes")) for i in range(36)}
    assert len(looks) == 36


def test_a_short_line_is_left_alone() -> None:
    assert thin(np.arange(5.0), 5).tolist() == [0, 1, 2, 3, 4]


def test_deciles_of_known_numbers() -> None:
    forecast = np.repeat(np.arange(10.0), 6)
    bins = binned(forecast, 2 * forecast + np.tile([-1.0, 1.0], 30))
    assert bins is not None
    assert bins.forecast.tolist() == list(range(10))
    assert bins.outcome == pytest.approx(2 * np.arange(10.0))
    # a sample of three -1 and three +1 has the standard deviation sqrt(6/5)
    assert bins.error == pytest.approx(np.full(10, 1.96 * np.sqrt(1.2 / 6)))


@pytest.mark.parametrize("forecast", [np.ones(100), np.arange(49.0), np.full(100, np.nan)])
def test_deciles_of_nothing(forecast: np.ndarray) -> None:
    assert binned(forecast, np.arange(float(forecast.size))) is None


def drawings() -> dict[str, str]:
    rng = np.random.default_rng(1)
    forecast, outcome = rng.normal(0, 1e-4, 400), rng.normal(0, 0.02, 400)
    bins = binned(forecast, outcome)
    assert bins is not None
    wealth = {"a": np.exp(np.linspace(0, 3, 400)), "b": np.linspace(1, 0.4, 400)}
    steps = {"x$": [0.2, float("nan")], "y_{": [0.8, 1.0]}
    made = {
        "equity": equity_drawing("equity", "gist", DAYS, wealth, "A & B"),
        "calibration": calibration_drawing("calibration", "gist", forecast, outcome, bins, None),
        "epochs": epochs_drawing("epochs", "gist", [member([0.5, 0.25, 0.125])], "epoch"),
        "weights": weights_drawing("weights", "gist <b>", DAYS[:2], steps),
    }
    return {f"{name}-{size}": getattr(one, size) for name, one in made.items() for size in ("wide", "narrow")}


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return drawings()


def test_charts_take_every_colour_from_the_page(drawn: dict[str, str]) -> None:
    for svg in drawn.values():
        assert "var(--line1)" in svg
        assert not re.findall(r"#0a0b\w\w", svg)
        coloured = re.findall(r"(?:stroke|fill): ?(#\w+)", svg)
        assert set(coloured) <= {"#ffffff"}, "a colour that does not follow the theme"


def test_charts_have_a_name_and_bring_nothing_along(drawn: dict[str, str]) -> None:
    for name, svg in drawn.items():
        assert svg.startswith("<svg ")
        assert f'aria-labelledby="{name}-title {name}-desc"' in svg
        assert 'role="img"' in svg
        assert not re.search(r"<\?xml|<!DOCTYPE|<metadata|<style|<script|xmlns", svg)
    assert "<title" in drawn["equity-wide"]
    assert "A &amp; B</title>" in drawn["equity-wide"]
    assert "gist &lt;b&gt;</desc>" in drawn["weights-narrow"]


def test_small_numbers_on_the_axes_are_not_rounded_away(drawn: dict[str, str]) -> None:
    labels = re.findall(r"<text[^>]*>([^<]*)</text>", drawn["calibration-wide"])
    assert any(re.fullmatch(r"−?0\.0\d+", label) and float(label.replace("−", "-")) for label in labels)


def test_charts_are_the_same_every_time(drawn: dict[str, str]) -> None:
    assert drawings() == drawn


def test_losses_are_relative_where_every_member_has_a_curve() -> None:
    assert relative_losses([member([2.0, 1.0]), member([4.0, 1.0])])
    assert not relative_losses([member([2.0, 1.0]), member([4.0])])
    assert not relative_losses([member([-2.0, 1.0])])
    assert not relative_losses([member([float("nan"), 1.0])])


def test_equity_that_is_lost_is_drawn_on_a_plain_scale() -> None:
    svg = equity_drawing("e", "gist", DAYS[:3], {"a": np.array([9.0, 1.0, 0.0])}, "lost").wide
    assert "growth of 1, log" not in svg
    assert "growth of 1" in svg


def test_the_weights_of_a_stack_are_a_file_by_themselves() -> None:
    svg = weights_chart(DAYS[:3], {"ridge": [0.5, 0.6, 0.7], "x$y$": [0.5, 0.4, 0.3]}, "A$: weights").decode()
    assert svg.startswith("<?xml")
    for text in ("A$: weights", "ridge", "x$y$"):
        assert text in svg
    assert "var(" not in svg
    assert "#0a0b" not in svg
