"""Histories laid one after the other: each symbol is forecast from its own rows, whoever lies before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.helpers.pooled import Floats, correlation, cut, linear, made_panel, pooled_config

from geiger.errors import DataError, SettingError
from geiger.models.storage import read_state, write_state
from geiger.models.telling import telling
from geiger.panel.fits import fit, folds_of
from geiger.panel.material import PanelMaterial
from geiger.panel.pooled import Fit
from geiger.panel.pooled_networks import PooledNetworks, laid, restore_networks
from geiger.panel.pooled_ridge import PooledLines
from geiger.panel.targets import targets_of
from geiger.records import Epoch
from geiger.settings import Config

MADE = made_panel()
SMALL = {
    **{"lookback": 6, "burn_in": 3, "stretch": 8, "width": 8, "heads": 2, "blocks": 1, "key": 4, "inner": 8},
    **{"batch_size": 128, "epochs": 2, "start_margin": 0.0, "start_counts": False, "skip": "zeros"},
    **{"lstm": (4,), "dropout": 0.0},
}


def network_config(*, network: dict[str, object] | None = None, **changes: object) -> Config:
    """Return settings of a network that trains in moments."""
    return pooled_config(**{"seeds": 1, "network_refit": None, "lstm": SMALL | (network or {}), **changes})


def fits(material: PanelMaterial, config: Config, stop: int = 1) -> list[Fit]:
    """Return the fits of the first folds."""
    targets = targets_of(material, config.panel)
    return list(fit(material, "lstm", targets, folds_of(material, "lstm", config)[:stop], config))


@pytest.fixture(scope="module")
def first() -> Fit:
    """The first fold's network."""
    return fits(MADE, network_config())[0]


def test_rows_lie_behind_their_own_past_alone() -> None:
    rows = MADE.rows(155, 158)  # symbol 10 has five rows before
    series, place = laid(MADE, rows, 7)
    assert series.shape == (12 * (7 + 3), 6)
    assert len(set(place.tolist())) == rows.stop - rows.start
    for row in range(rows.start, rows.stop):
        at = place[row - rows.start]
        own = np.flatnonzero(MADE.member[: row + 1] == MADE.member[row])[-8:]
        past = np.zeros((8, 6), dtype=np.float32)
        past[8 - len(own) :] = MADE.normalised[own]
        np.testing.assert_array_equal(series[at - 7 : at + 1], past)


def test_no_row_of_another_symbol_stands_where_a_forecast_looks_back() -> None:
    whole = slice(0, len(MADE.day))
    series, place = laid(MADE, whole, 9)
    assert len(series) == len(MADE.day) + 12 * 9
    for member in range(12):
        own = place[MADE.member == member]
        assert (np.diff(own) == 1).all()
        assert (series[own[0] - 9 : own[0]] == 0.0).all()


def test_a_symbols_forecast_does_not_change_with_the_one_laid_before_it(first: Fit) -> None:
    rows = MADE.rows(200, 240)
    told = first.model.tell(MADE, rows)[0][0]
    other = MADE.normalised.copy()
    wild = MADE.member % 2 == 0
    other[wild] = 4.0 * np.sign(other[wild])
    again = first.model.tell(replace(MADE, normalised=other), rows)[0][0]
    same = MADE.member[rows] % 2 == 1
    np.testing.assert_allclose(again[same], told[same], atol=1e-6 * told.std())
    assert np.abs(again[~same] - told[~same]).max() > 0.1 * told.std()


def test_a_day_is_forecast_alone_as_among_others(first: Fit) -> None:
    rows, day = MADE.rows(200, 240), MADE.rows(231, 232)
    told = first.model.tell(MADE, rows)[0][0]
    alone = first.model.tell(MADE, day)[0][0]
    part = slice(day.start - rows.start, day.stop - rows.start)
    np.testing.assert_allclose(alone, told[part], atol=1e-5 * told.std())


def test_later_days_change_no_earlier_forecast(first: Fit) -> None:
    short = cut(MADE, first.fold.test.start + 20)
    early = fits(short, network_config())[0]
    part, full = (one.scores(material).selection[0] for one, material in ((early, short), (first, MADE)))
    np.testing.assert_allclose(part, full[: len(part)], atol=1e-5 * full.std())


def test_the_same_seed_learns_the_same(first: Fit) -> None:
    again = fits(MADE, network_config())[0]
    np.testing.assert_array_equal(again.scores(MADE).selection, first.scores(MADE).selection)
    assert first.learned_rows == again.learned_rows > 1000


def test_epochs_are_told_as_they_happen_and_change_no_bit(first: Fit) -> None:
    heard: list[Epoch] = []
    with telling(heard.append):
        again = fits(MADE, network_config(seeds=2))[0]
    assert [(one.fold, one.seed, one.epoch) for one in heard] == [
        (again.fold.index, seed, epoch) for seed in (0, 1) for epoch in (1, 2)
    ]
    assert isinstance(again.model, PooledNetworks)
    assert isinstance(first.model, PooledNetworks)
    one, other = (model.networks.members[0].state().arrays for model in (first.model, again.model))
    assert all(np.array_equal(value, other[name]) for name, value in one.items())


def test_it_learns_what_all_symbols_share() -> None:
    made = made_panel(lambda x: 2.0 * linear(x))
    config = network_config(network={"epochs": 15, "learning_rate": 1e-2, "weight_decay": 0.0})
    one = fits(made, config)[0]
    scores = one.scores(made)
    assert correlation(scores.selection[0], made.features[scores.rows, 0]) > 0.8


def test_the_body_stands_on_pooled_ridge() -> None:
    """Where no epoch counts, what is left is the line of all symbols."""
    config = network_config(network={"skip": "ridge", "start_counts": True, "start_margin": 1e6})
    one = fits(MADE, config)[0]
    assert one.rounds == (0,)
    targets = targets_of(MADE, config.panel)
    ridge = next(fit(MADE, "ridge", targets, [one.fold], config)).model
    assert isinstance(ridge, PooledLines)
    rows = one.scores(MADE).rows
    np.testing.assert_allclose(one.scores(MADE).selection[0], ridge.tell(MADE, rows)[0][-1], atol=1e-6)


@pytest.mark.parametrize("weights", ["days", "symbols"])
def test_rows_weigh_what_the_settings_say(weights: str) -> None:
    config = network_config(min_train=250)  # symbol 10 has begun
    plain = fits(MADE, config)[0].scores(MADE).selection
    other = fits(MADE, replace(config, panel=replace(config.panel, weights=weights)))[0]
    assert np.abs(other.scores(MADE).selection - plain).max() > 1e-4


@pytest.mark.parametrize("network", [{"skip": "screened"}, {"residual": "last_return"}])
def test_what_only_a_symbol_alone_has_is_refused(network: dict[str, object]) -> None:
    with pytest.raises(SettingError, match="lstm: in a panel skip is"):
        fits(MADE, network_config(network=network))


def test_it_comes_back_from_plain_values(first: Fit, tmp_path: Path) -> None:
    hashes = write_state(tmp_path / "model", first.model.state())
    again = restore_networks(read_state(tmp_path / "model", hashes))
    rows = MADE.rows(300, 310)
    told: Floats = first.model.tell(MADE, rows)[0]
    np.testing.assert_allclose(again.tell(MADE, rows)[0], told, atol=1e-6 * told.std())
    assert isinstance(first.model, PooledNetworks)
    inner = first.model.networks.members[0].state()
    with pytest.raises(DataError, match="an ensemble"):
        restore_networks(replace(first.model.state(), parts=(inner,)))
