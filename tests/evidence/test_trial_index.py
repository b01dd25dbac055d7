"""The copy for looking up: what was committed is there, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geiger.chain import End
from geiger.evidence.series import Signs
from geiger.evidence.trial_index import KnownSeries, TrialIndex
from helpers.trials import day, trial, values

END = End(1, "a" * 64, 100)


def known(seed: int = 0, symbol: str = "AAPL", series: str = "s1") -> KnownSeries:
    one = values(seed)
    return KnownSeries(one.digest, series, symbol, Signs.of(one))


def test_what_was_not_committed_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "index"
    with closing(TrialIndex(path)) as index:
        assert index.place() is None
        index.note_trial(trial(number=0, series="s1"), None)
        index.commit("stamp", END)
        index.note_trial(trial(number=1, series="s1"), None)
    with closing(TrialIndex(path)) as index:
        assert (index.place(), index.distinct()) == (("stamp", END), 1)
        index.clear()
        assert (index.place(), index.distinct()) == (None, 0)
    with closing(TrialIndex(path)) as index:
        assert index.distinct() == 1


def test_the_newest_line_of_a_trial_stands_for_it() -> None:
    with closing(TrialIndex(None)) as index:
        first, second, other = (replace(trial(), number=n, series="s1") for n in range(3))
        index.note_trial(first, None)
        index.note_trial(second, 0)
        index.note_trial(replace(other, key="b"), None)
        index.note_trial(replace(second, number=3), 1)
        assert [one.number for one in index.sharing("skill", "s1", day(0), day(0))] == [2, 3]
        assert [(one.trial.number, one.root) for one in index.versions("skill", "a", "s1")] == [
            (0, 0),
            (1, 0),
            (3, 0),
        ]
        assert index.distinct() == 2


def test_series_come_back_with_their_signs_and_join() -> None:
    with closing(TrialIndex(None)) as index:
        index.note_series(known(0), 0, 9)
        index.note_series(known(1, "MSFT", "s2"), 0, 9)
        index.note_series(replace(known(2, "IBM", "s3"), signs=None), 0, 0)
        assert [one.series for one in index.series()] == ["s1", "s2", "s3"]
        (one,) = index.series_under("AAPL")
        assert one.signs is not None
        np.testing.assert_array_equal(one.signs.words, Signs.of(values(0)).words)
        index.join("s1", ["s2"])
        assert index.symbols_of("s1") == {"AAPL", "MSFT"}
        assert index.by_age(["s3", "s1"]) == ["s1", "s3"]
        assert index.has_returns(values(0).digest, "AAPL")
        assert not index.has_returns(values(0).digest, "MSFT")


def test_shorter_prices_are_covered_by_longer_ones_of_the_same_name() -> None:
    with closing(TrialIndex(None)) as index:
        index.note_series(known(0), 5, 9)
        index.note_series(known(1), 0, 9)
        index.note_series(known(2, "XYZ"), 6, 8)
        assert [one.digest for one in index.series()] == [known(1).digest, known(2).digest]
        assert index.returns_of(known(0).digest) is not None


def test_what_is_no_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index").write_bytes(b"no database" * 100)
    with pytest.raises(sqlite3.Error):
        TrialIndex(tmp_path / "index")
    with closing(TrialIndex(tmp_path / "other")) as index:
        index.note_trial(trial(number=0, series="s1"), None)
        index._base.execute("UPDATE trials SET trial = '{}'")
        with pytest.raises(sqlite3.Error, match="cannot be read"):
            index.trials()
