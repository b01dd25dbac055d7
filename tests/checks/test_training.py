from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from geiger.checks.base import Severity
from geiger.checks.catalogue import ask_all
from geiger.checks.training import NO_END
from geiger.records import (
    RunLog,
)
from helpers.cases import BY_USER, CODES, FALLING, both, case, config, epochs, fires_only, healthy, with_


def test_a_log_that_still_grows_is_not_called_killed() -> None:
    (found,) = (f for f in ask_all(case(with_(status=None), idle=20.0)) if f.code == "GC101")
    assert found.severity is Severity.NOTE
    assert "may still go on" in found.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (with_(status=None), "GC101"),
        (with_(status=None, stopped=BY_USER), "GC108"),
        (with_(status=None, schema=0), "GC107"),
        (with_(status=None, schema=0, stopped=BY_USER), "GC108"),
        (with_(status=None, lines={"STATUS": 90}), "GC107"),
    ],
)
def test_each_log_without_a_status_has_one_reason(change: Callable[[RunLog], RunLog], code: str) -> None:
    """It was killed only where a log of ours breaks off and nobody said why."""
    assert [f.code for f in ask_all(case(change)) if f.code in NO_END] == [code]


def test_a_run_that_ended_after_all_was_not_stopped() -> None:
    assert "GC108" not in {f.code for f in ask_all(case(with_(stopped=BY_USER)))}


def test_over_fitting_needs_more_than_half_of_the_members() -> None:
    good = [(1.0 - 0.01 * i, 1.0 - 0.005 * i) for i in range(12)]
    half = with_(epochs=epochs(FALLING) + epochs(good, fold=1))
    most = with_(epochs=epochs(FALLING) + epochs(FALLING, fold=1) + epochs(good, fold=2))
    assert not fires_only(CODES["GC111"], case(half))
    assert fires_only(CODES["GC111"], case(most))


def test_over_fitting_counts_more_where_the_last_weights_are_kept() -> None:
    kept, lost = (
        CODES["GC111"](case(both(with_(epochs=epochs(FALLING)), config(Early_Stopping=text))))
        for text in ("patience 30 epochs, best weights kept", "patience off, last weights kept")
    )
    assert kept is not None
    assert lost is not None
    assert (kept.severity, lost.severity) == (Severity.NOTE, Severity.WARN)
    assert "epoch 3 0.9800, epoch 12 1.0900" in kept.text


def test_a_booster_that_keeps_all_its_trees_did_not_keep_its_best_epoch() -> None:
    grown = both(config(Model="lgb"), with_(epochs=epochs(FALLING)))
    for rounds, severity in ((12, Severity.WARN), (3, Severity.NOTE)):
        folds = (replace(healthy().folds[0], rounds=(rounds,)),)
        found = CODES["GC111"](case(both(grown, with_(folds=folds))))
        assert found is not None
        assert found.severity is severity
