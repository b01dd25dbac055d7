"""Trees of many symbols: what they find, what they are given, and that nothing but the data changes a bit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.pooled import Floats, correlation, cut, linear, made_panel, pooled_config

from geiger.errors import DataError, TrainingError
from geiger.models.storage import read_state, write_state
from geiger.panel.fits import fit, folds_of
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled import Fit
from geiger.panel.pooled_trees import PooledTrees, fit_trees, restore_trees
from geiger.panel.targets import targets_of
from geiger.settings import Config
from geiger.settings.models import names_of

MADE = made_panel()


def crossed(x: Floats) -> Floats:
    """Return a mean that no feature tells by itself."""
    return 0.8 * np.sign(x[:, 0] * x[:, 1])


def fits(material: PanelMaterial, config: Config, model: str = "lgb") -> list[Fit]:
    """Return the fits of all folds."""
    targets = targets_of(material, config.panel)
    return list(fit(material, model, targets, folds_of(material, model, config), config))


def told(material: PanelMaterial, config: Config, model: str = "lgb") -> Floats:
    """Return what the simplest candidate says of all test rows."""
    return np.concatenate([one.scores(material).selection[-1] for one in fits(material, config, model)])


def test_trees_find_what_no_line_can() -> None:
    made = made_panel(crossed)
    deep = {"depth": 4, "max_trees": 60, "learning_rate": 0.1, "colsample": 1.0}
    config = pooled_config(seeds=1, **{model: deep for model in names_of("boosting")})
    rows = slice(int(made.edges[folds_of(made, "lgb", config)[0].test.start]), int(made.edges[-3]))
    truth = crossed(made.features[rows])
    assert abs(correlation(told(made, config, "ridge"), truth)) < 0.15
    for model in names_of("boosting"):
        assert correlation(told(made, config, model), truth) > 0.4


@pytest.mark.parametrize("model", names_of("boosting"))
def test_neither_workers_nor_a_rerun_change_a_bit(model: str) -> None:
    alone = told(MADE, pooled_config(workers=1), model)
    np.testing.assert_array_equal(alone, told(MADE, pooled_config(workers=2), model))
    np.testing.assert_array_equal(alone, told(MADE, pooled_config(workers=1), model))
    assert not np.array_equal(alone, told(MADE, pooled_config(seed=1), model))


@pytest.mark.parametrize("model", names_of("boosting"))
def test_later_days_change_no_bit_of_earlier_forecasts(model: str) -> None:
    config = pooled_config()
    full, part = told(MADE, config, model), told(cut(MADE, 300), config, model)
    assert 0 < len(part) < len(full)
    np.testing.assert_array_equal(part, full[: len(part)])


def test_members_are_averaged_and_each_has_a_seed_of_its_own() -> None:
    one = fits(MADE, pooled_config())[0]
    assert isinstance(one.model, PooledTrees)
    assert one.rounds == (30, 30)
    rows = MADE.rows(200, 220)
    a, b = (replace(one.model, trees=member).tell(MADE, rows)[0] for member in one.model.trees.members)
    assert not np.array_equal(a, b)
    np.testing.assert_allclose(one.model.tell(MADE, rows)[0], (a + b) / 2, rtol=1e-12)


def test_timing_is_the_mean_of_what_was_learned() -> None:
    config = pooled_config()
    targets = targets_of(MADE, config.panel)
    one = fits(MADE, config)[0]
    learned = targets.timing[: int(MADE.edges[one.fold.valid.stop])]
    timing = one.scores(MADE).timing
    assert timing == pytest.approx(np.full(len(timing), np.nanmean(learned)), rel=1e-12)


def test_symbols_that_weigh_alike_are_heard_alike() -> None:
    """Two symbols with the longest history say the opposite of ten with a short one."""
    made = made_panel(lambda x: np.zeros(len(x)), days=500)
    kept = (made.member < 2) | (made.day > 300)
    made = replace(
        made,
        **{
            name: getattr(made, name)[kept]
            for name in (
                "day",
                "member",
                "features",
                "normalised",
                "outcome",
                "volatility",
                "on_time",
                "tradable",
            )
        },
        known_on=made.known_on.filter(kept),
    )
    says = np.where(made.member < 2, -1.0, 1.0) * np.sign(made.features[:, 0])
    made = replace(
        made, outcome=made.outcome + made.volatility * np.where(np.isfinite(made.outcome), says, 0.0)
    )
    config = pooled_config(seeds=1, min_train=350, panel={"target": "raw"})
    rows = made.rows(470, 490)
    heard = {}
    for weights in ("rows", "symbols"):
        one = fits(made, pooled_config(seeds=1, min_train=350, panel={"target": "raw", "weights": weights}))[
            0
        ]
        heard[weights] = correlation(one.model.tell(made, rows)[0][0], linear(made.features[rows]))
    assert config.panel.target == "raw"
    assert heard["symbols"] > 0.4
    assert heard["symbols"] > heard["rows"] + 0.2


def test_early_stopping_chooses_on_the_valid_days() -> None:
    config = pooled_config(lgb={"early_stopping": 5, "max_trees": 300, "learning_rate": 0.3})
    one = fits(MADE, config)[0]
    assert max(one.rounds) < 300
    kept = fits(
        MADE, pooled_config(lgb={"early_stopping": 5, "max_trees": 300, "learning_rate": 0.3, "refit": False})
    )
    assert kept[0].rounds == one.rounds
    # Without the refit the valid days only chose: other outcomes on them, as many trees, the same forecast.
    assert not np.array_equal(kept[0].scores(MADE).selection, one.scores(MADE).selection)


def test_a_fold_without_a_known_outcome_is_refused() -> None:
    blind = replace(MADE, on_time=np.zeros_like(MADE.on_time))
    with pytest.raises(TrainingError, match="fold 0: no row with a known outcome"):
        fits(blind, pooled_config())


def test_it_comes_back_from_plain_values(tmp_path: Path) -> None:
    config = pooled_config()
    targets = targets_of(MADE, config.panel)
    model = next(iter(fit_trees(MADE, "lgb", targets, folds_of(MADE, "lgb", config)[:1], config))).model
    hashes = write_state(tmp_path / "model", model.state())
    again = restore_trees(read_state(tmp_path / "model", hashes))
    rows = MADE.rows(300, 320)
    for one, other in zip(model.tell(MADE, rows), again.tell(MADE, rows), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(DataError, match="an ensemble"):
        restore_trees(replace(model.state(), parts=model.state().parts[0].parts[:1]))
