"""One try as a line: it comes back from JSON, and what cannot be is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from geiger.codec import compact
from geiger.errors import DataError
from geiger.evidence.trial import trials_in
from helpers.trials import trial


def test_a_trial_comes_back_from_its_text() -> None:
    one = trial(number=3, at="2024-01-05T00:00:00+00:00", series="s1", scores="a" * 64)
    assert trials_in(compact([one, trial()])) == (one, trial())
    assert trials_in(b'[{"kind": "other"}]') is None


def test_scores_tell_a_rerun_and_else_what_came_of_it() -> None:
    assert replace(trial(), scores="ab").content == "ab"
    assert trial().content != trial(p_value=0.2).content
    assert trial().content == trial(key="b").content


@pytest.mark.parametrize("changes", [{"first": "20110126"}, {"last": "2011-02-30"}, {"first": "x"}])
def test_days_are_iso_days(changes: dict[str, str]) -> None:
    with pytest.raises(DataError, match="trial of AAPL ridge"):
        trial(**changes).require()
