from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from geiger.errors import DataError
from geiger.models.storage import write_state
from helpers.saved_models import data, fitted, refusal, with_tree


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(
            ("lookback", 10**9),
            ("lookback", -1),
            ("burn_in", 10**9),
            ("batch_size", 10**9),
            ("stretch", 10**9),
        ),
        *(
            ("width", 10**9),
            ("width", 9),
            ("lstm", [10**9]),
            ("lstm", [4] * 10**4),
            ("lstm", []),
            ("lstm", "4"),
        ),
        *(("blocks", 10**9), ("blocks", 0), ("blocks", 2), ("heads", 10**9), ("key", 0), ("inner", True)),
        *(("loss", "none"), ("loss", 5), ("skip", "zeros"), ("skip", "none"), ("readout", "first")),
        *(
            ("dropout", 1.0),
            ("dropout", "0"),
            ("clip_norm", -1.0),
            ("feeding", "windows"),
            ("residual", "direct"),
        ),
        *(("learning_rate", 10**400), ("epochs", None), ("causal", 1), ("surprise", 1), ("__class__", "x")),
    ],
)
def test_settings_that_do_not_fit_the_weights_are_refused(
    tmp_path: Path, setting: str, value: object
) -> None:
    hashes = write_state(tmp_path, fitted("lstm screened").state())
    changed = with_tree(tmp_path, hashes, lambda tree: tree["facts"]["settings"].update({setting: value}))
    assert "saved network: " in refusal(tmp_path, changed)


def test_an_unknown_setting_is_refused_with_the_nearest(tmp_path: Path) -> None:
    hashes = write_state(tmp_path, fitted("xlstm").state())
    changed = with_tree(tmp_path, hashes, lambda tree: tree["facts"]["settings"].update(lookbak=3))
    assert "xlstm has no setting 'lookbak': did you mean 'lookback'" in refusal(tmp_path, changed)


@pytest.mark.parametrize("features", [5, 7])
def test_a_network_refuses_rows_of_another_width(features: int) -> None:
    test = data().test
    wide = dataclasses.replace(test, x=np.zeros((len(test.x), features)))
    with pytest.raises(DataError, match=f"learned from 6 features, these rows have {features}"):
        fitted("lstm").predict(wide)
