from __future__ import annotations

import pickle

import pytest

from geiger.errors import (
    DataError,
    Diverged,
    GeigerError,
    MissingLibrary,
    SettingError,
    Terminated,
    TrainingError,
    did_you_mean,
)


@pytest.mark.parametrize("kind", [DataError, SettingError, TrainingError, Diverged, MissingLibrary])
def test_every_error_of_ours_is_caught_as_one(kind: type[Exception]) -> None:
    assert issubclass(kind, GeigerError)


def test_being_asked_to_end_is_no_error_of_ours() -> None:
    assert issubclass(Terminated, KeyboardInterrupt)
    assert not issubclass(Terminated, GeigerError)


def test_a_diverged_member_crosses_from_a_process_to_another() -> None:
    again = pickle.loads(pickle.dumps(Diverged(3, "the loss is not finite")))
    assert (type(again), again.member, str(again)) == (Diverged, 3, "the loss is not finite")


def test_the_nearest_word_is_named_where_one_is_near() -> None:
    known = ["ridge", "lstm", "xlstm"]
    assert did_you_mean("rigde", known) == "did you mean 'ridge'? Known: lstm, ridge, xlstm"
    assert did_you_mean("forest", known) == "known: lstm, ridge, xlstm"
