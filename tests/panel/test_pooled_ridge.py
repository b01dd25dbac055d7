"""Sums that grow from fold to fold give what a fit from scratch gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.helpers.pooled import FEATURES, cut, made_panel, pooled_config

from geiger.errors import DataError, TrainingError
from geiger.learning.folds import Fold
from geiger.models.storage import read_state, write_state
from geiger.panel.fits import folds_of
from geiger.panel.folds import counting, rows_of
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled_ridge import PooledLines, fit_ridge, lines_of_all, restore_lines
from geiger.panel.targets import Targets, targets_of
from geiger.settings import Config

MADE = made_panel()


def scratch(x: np.ndarray, y: np.ndarray, weight: np.ndarray, alpha: float) -> np.ndarray:
    """Return intercept and coefficients by least squares over rows, the penalty as further rows."""
    root = np.sqrt(weight)[:, None]
    rows = np.hstack([np.ones((len(x), 1)), x]) * root
    penalty = np.sqrt(alpha) * np.eye(x.shape[1] + 1)[1:]
    found = np.linalg.lstsq(
        np.vstack([rows, penalty]), np.append(root[:, 0] * y, np.zeros(x.shape[1])), rcond=None
    )
    return np.asarray(found[0])


def learned(material: PanelMaterial, targets: Targets, span: range) -> np.ndarray:
    """Return the rows with a target of a span of days."""
    rows = np.arange(len(material.day))[rows_of(material, counting(material), span)]
    return rows[np.isfinite(targets.selection[rows])]


def alike(material: PanelMaterial, rows: np.ndarray) -> np.ndarray:
    """Return weights under which every member of `rows` counts the same; their mean is 1."""
    member = material.member[rows]
    counts = {one: (member == one).sum() for one in np.unique(member)}
    weight = np.array([1.0 / counts[one] for one in member])
    return weight * len(rows) / weight.sum()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rolling": 150},
        {"panel": {"weights": "days"}},
        {"panel": {"weights": "symbols"}},
        {"panel": {"target": "ranked"}},
    ],
    ids=["expanding", "rolling", "days", "symbols", "ranked"],
)
def test_every_fold_is_what_a_fit_from_scratch_gives(changes: dict[str, object]) -> None:
    config = pooled_config(**changes)
    targets, folds = targets_of(MADE, config.panel), folds_of(MADE, "ridge", config)
    assert len(folds) == 5
    for fit in fit_ridge(MADE, targets, folds, config):
        rows = learned(MADE, targets, range(fit.fold.train.start, fit.fold.valid.stop))
        x, weight = MADE.normalised[rows].astype(float), targets.weight[rows]
        if config.panel.weights == "symbols":
            weight = alike(MADE, rows)
        assert fit.learned_rows == len(rows)
        assert isinstance(fit.model, PooledLines)
        for line, y in ((fit.model.line, targets.selection), (fit.model.timing, targets.timing)):
            np.testing.assert_allclose(line, scratch(x, y[rows], weight, 50.0), rtol=1e-6, atol=1e-8)


def test_a_symbols_own_line_shrinks_to_that_of_all() -> None:
    config = pooled_config()
    targets, folds = targets_of(MADE, config.panel), folds_of(MADE, "ridge", config)
    *_, fit = fit_ridge(MADE, targets, folds, config)
    rows = learned(MADE, targets, range(fit.fold.train.start, fit.fold.valid.stop))
    assert isinstance(fit.model, PooledLines)
    for lines, penalty in zip(fit.model.own, (100.0, 1000.0), strict=True):
        for one in range(len(MADE.symbols)):
            own = rows[MADE.member[rows] == one]
            a = np.hstack([np.ones((len(own), 1)), MADE.normalised[own].astype(float)])
            left = targets.selection[own] - a @ fit.model.line
            further = np.sqrt(penalty) * np.eye(FEATURES + 1)
            wanted = np.linalg.lstsq(
                np.vstack([a, further]), np.append(left, np.zeros(FEATURES + 1)), rcond=None
            )[0]
            np.testing.assert_allclose(lines[one] - fit.model.line, wanted, rtol=1e-6, atol=1e-8)
    far = np.abs(fit.model.own - fit.model.line).mean(axis=(1, 2))
    assert far[0] > 2 * far[1]  # a stronger penalty leaves less


def test_the_penalty_is_chosen_on_days_that_the_coefficients_have_not_seen() -> None:
    alphas = (1.0, 300.0, 1e5)
    config = pooled_config(ridge={"alphas": alphas})
    made = made_panel(lambda x: 0.02 * x[:, 0], seed=3)  # so weak that shrinking helps
    targets, folds = targets_of(made, config.panel), folds_of(made, "ridge", config)
    places = []
    for fit in fit_ridge(made, targets, folds, config):
        train, valid = (learned(made, targets, span) for span in (fit.fold.train, fit.fold.valid))
        errors = []
        for alpha in alphas:
            line = scratch(
                made.normalised[train].astype(float), targets.selection[train], np.ones(len(train)), alpha
            )
            told = line[0] + made.normalised[valid] @ line[1:]
            errors.append(((told - targets.selection[valid]) ** 2).sum())
        places.append(fit.rounds[0])
        assert errors[fit.rounds[0] - 1] == pytest.approx(min(errors), rel=1e-6)
        inner, whole = lines_of_all(made, targets, fit.fold, config)
        x = made.normalised[train].astype(float)
        alpha = alphas[fit.rounds[0] - 1]
        np.testing.assert_allclose(
            inner, scratch(x, targets.selection[train], np.ones(len(train)), alpha), rtol=1e-6, atol=1e-8
        )
        assert isinstance(fit.model, PooledLines)
        np.testing.assert_allclose(whole, fit.model.line, rtol=1e-6, atol=1e-9)
    assert max(places) > 1


def test_symbols_are_found_by_name() -> None:
    config = pooled_config()
    targets, folds = targets_of(MADE, config.panel), folds_of(MADE, "ridge", config)
    model = next(fit_ridge(MADE, targets, folds, config)).model
    rows = MADE.rows(300, 301)
    selection, timing = model.tell(MADE, rows)
    assert selection.shape == (3, 12)  # one a penalty, and the line of all
    renamed = replace(MADE, symbols=(*MADE.symbols[1:], "NEW"))
    moved = replace(renamed, member=np.roll(MADE.member[rows], 0), day=MADE.day[rows])
    moved = replace(moved, normalised=np.roll(MADE.normalised[rows], -1, axis=0))
    again, same = model.tell(moved, slice(0, 12))
    # Every row now belongs to the symbol before; the first symbol's row is the new one's.
    np.testing.assert_array_equal(again[:, :11], selection[:, 1:])
    np.testing.assert_array_equal(again[-1, 11], selection[-1, 0])
    assert (again[:-1, 11] == again[-1, 11]).all()  # nobody's deviations
    np.testing.assert_array_equal(same, np.roll(timing, -1))


def test_a_fold_without_a_known_outcome_is_refused() -> None:
    config = pooled_config()
    blind = replace(MADE, on_time=np.zeros_like(MADE.on_time))
    targets = targets_of(blind, config.panel)
    with pytest.raises(TrainingError, match="fold 0: no row with a known outcome"):
        list(fit_ridge(blind, targets, folds_of(blind, "ridge", config), config))


def test_later_outcomes_change_no_earlier_fold() -> None:
    config = pooled_config()
    short = cut(MADE, 300)

    def told(material: PanelMaterial, config: Config) -> list[tuple[Fold, np.ndarray]]:
        targets, folds = targets_of(material, config.panel), folds_of(material, "ridge", config)
        return [
            (one.fold, one.scores(material).selection) for one in fit_ridge(material, targets, folds, config)
        ]

    whole, early = told(MADE, config), told(short, config)
    for (fold, full), (other, part) in zip(whole, early, strict=False):
        assert fold.train == other.train
        np.testing.assert_allclose(part, full[:, : part.shape[1]], atol=1e-5 * full.std())


def test_it_comes_back_from_plain_values(tmp_path) -> None:
    config = pooled_config()
    targets, folds = targets_of(MADE, config.panel), folds_of(MADE, "ridge", config)
    model = next(fit_ridge(MADE, targets, folds, config)).model
    hashes = write_state(tmp_path / "model", model.state())
    again = restore_lines(read_state(tmp_path / "model", hashes))
    rows = MADE.rows(300, 320)
    for one, other in zip(model.tell(MADE, rows), again.tell(MADE, rows), strict=True):
        np.testing.assert_array_equal(one, other)
    state = model.state()
    with pytest.raises(DataError, match="symbols"):
        restore_lines(replace(state, facts={"symbols": "S00"}))
    with pytest.raises(DataError, match="own must have shape"):
        restore_lines(replace(state, facts={"symbols": ["S00"]}))
