from __future__ import annotations

from math import exp, log, sqrt

import pytest

from helpers.bars import features_of, flat

STEPS = [0.01 * ((7 * day) % 5 - 2) for day in range(260)]


def path(size: float) -> list[float]:
    logs = [0.0]
    for step in STEPS:
        logs.append(logs[-1] + size * step)
    return [100.0 * exp(place) for place in logs]


def test_a_symbol_that_moves_twice_as_its_index() -> None:
    out = {name: values[-1] for name, values in features_of(flat(path(2.0)), index=path(1.0)).items()}
    for name in ("market_beta_63", "market_beta_252", "market_downside_beta_252"):
        assert out[name] == pytest.approx(2.0), name
    assert out["market_correlation_63"] == pytest.approx(1.0)
    assert out["market_idiosyncratic_share_126"] == pytest.approx(0.0, abs=1e-9)
    assert out["market_relative_volatility_63"] == pytest.approx(log(2.0))
    assert out["market_return_5"] == pytest.approx(sum(STEPS[-5:]), abs=1e-12)
    assert out["market_relative_return_21"] == pytest.approx(sum(STEPS[-21:]), abs=1e-12)


def test_the_index_below_its_high_and_mean() -> None:
    index = [100.0] * 250 + [120.0, 90.0]
    out = {name: values[-1] for name, values in features_of(flat([50.0] * 252), index=index).items()}
    assert out["market_drawdown_252"] == pytest.approx(log(90 / 120))
    assert out["market_to_mean_200"] == pytest.approx(log(90 / (100 + 10 / 200)))
    assert out["market_beta_63"] == 0.0
    assert out["market_correlation_63"] == 0.0


def test_what_is_quoted_as_volatility_by_hand() -> None:
    out = features_of(flat([50.0] * 260), index=path(1.0)[:260], implied=[16.0] * 254 + [20.0] * 6)
    assert out["implied_level"][0] == pytest.approx(0.16 / sqrt(252))
    assert out["implied_change_1"][253:255] == pytest.approx([0.0, log(20 / 16)])
    assert out["implied_change_5"][259] == pytest.approx(0.0)
    assert out["implied_to_mean_252"][254] == pytest.approx(log(20 / (16 + 4 / 252)))
    assert out["implied_rank_126"][254] == 1.0
    assert out["implied_rank_126"][253] == 0.5  # all are equal


def test_a_day_without_an_index_shows_the_last_one_and_no_return() -> None:
    index: list[float | None] = [100.0, 101.0, None, 104.0, 105.0]
    out = features_of(flat([50.0] * 5), index=index)  # type: ignore[arg-type]
    assert out["market_return_1"][1] == pytest.approx(log(1.01))
    assert out["market_return_1"][2] == 0.0
