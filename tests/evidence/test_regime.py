from __future__ import annotations

import numpy as np
import pytest

from geiger.evidence.regime import following
from geiger.evidence.score_test import score_test

N = 1200


def scores(kind: str) -> tuple[np.ndarray, object]:
    rng = np.random.default_rng(6)
    r = 0.01 * rng.standard_normal(N)
    year = np.array([r[max(0, t - 251) : t + 1].mean() for t in range(N)])
    forecast = {
        "year": year,
        "against": -year,
        "noise": rng.standard_normal(N),
        "constant": np.full(N, 1e-4),
    }[kind]
    forecast[:400] = np.nan
    return r, score_test(r[:-1], r[1:], np.arange(1, N), forecast[:-1]).scores


def test_the_mean_of_a_year_is_followed_and_named() -> None:
    r, found = scores("year")
    told = following(r[:-1], found)  # type: ignore[arg-type]
    assert told is not None
    assert (told.days, told.correlation > 0.6) == (252, True)
    assert "last 252 days" in str(told)


@pytest.mark.parametrize("kind", ["against", "noise", "constant"])
def test_what_follows_no_trend_is_left_alone(kind: str) -> None:
    r, found = scores(kind)
    assert following(r[:-1], found) is None  # type: ignore[arg-type]
