from __future__ import annotations

import numpy as np
import pytest

from geiger.studies.rejections import GATES, SCORE, SHARPE, Cell, count, newey_west, rivals


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_slopes_error_is_that_of_statsmodels(horizon: int) -> None:
    api = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(5)
    x, noise = rng.standard_normal((2, 600))
    x = np.convolve(x, np.ones(horizon), "same")
    y = 0.1 * x + np.convolve(noise, np.ones(horizon), "same") * (1 + x**2)
    lags = max(int(4 * 6 ** (2 / 9)), 2 * (horizon - 1))
    fit = api.OLS(y, api.add_constant(x)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    expected = fit.pvalues[1] / 2 if fit.params[1] > 0 else 1 - fit.pvalues[1] / 2
    assert newey_west(x, y, horizon) == pytest.approx(expected, rel=1e-6)


def test_every_path_is_counted_whatever_the_processes() -> None:
    found = [count(Cell("GARCH-t", ranked=1), 4, 3, (0.5, 1.0), processes) for processes in (1, 2)]
    assert found[0] == found[1]
    assert found[0]["noise", SCORE, 1.0] == (4, 4)
    assert found[0]["noise", "normal scores", 1.0] == (1, 1)
    assert all(below <= of for below, of in found[0].values())


def test_a_true_forecast_rings_and_is_counted() -> None:
    found = count(Cell("constant", r2=0.2), 4, 3, (0.01,), 1)
    assert found["truth", SCORE, 0.01] == (4, 4)


def test_the_gates_pass_what_earns_steadily_and_stop_what_falls() -> None:
    outcome = np.tile([0.01, -0.01, 0.012, -0.008, 0.01], 200)
    assert rivals(np.sign(outcome), outcome, 1)[GATES] == 0.0
    assert rivals(-np.sign(outcome), outcome, 1)[GATES] == 1.0
    assert rivals(-np.sign(outcome), outcome, 1)[SHARPE] > 0.99


def test_a_constant_forecast_passes_nothing() -> None:
    outcome = np.tile([0.01, -0.01], 200)
    assert min(rivals(np.zeros(400), outcome, 1).values()) >= 0.5  # a Sharpe ratio of 0 is as often too low
