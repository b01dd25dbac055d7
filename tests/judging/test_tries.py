"""A run among all tries: p is corrected with the daily scores that are kept, and for those that are gone."""

from __future__ import annotations

from pathlib import Path

from geiger.experiment.tried import register_of
from geiger.judging.run import NOTHING, run
from geiger.market.synthetic import garch_market
from geiger.records import Tries, Verdict
from helpers.runs import experiment, small

NOISE = garch_market(900, 3)


def verdict_of(folder: Path, seed: int, rows: int = NOISE.height) -> tuple[Verdict, Tries]:
    made = run(experiment(folder, NOISE[:rows], "lgb", small(seed=seed, seeds=1)), making=NOTHING).verdict
    assert made is not None
    assert made.tries is not None
    return made, made.tries


def test_the_p_of_the_best_of_several_is_above_its_own(tmp_path: Path) -> None:
    found = [verdict_of(tmp_path, seed)[0] for seed in (1, 2, 3, 4)]
    last = found[-1]
    assert last.p_value is not None
    assert last.corrected_p is not None
    assert last.corrected_p >= last.p_value
    best = min(range(4), key=lambda i: found[i].p_value or 1)
    again, tries = verdict_of(tmp_path, best + 1)  # a rerun, with the register as it is now
    assert (tries.skill, tries.new) == (4, False)
    assert again.p_value == found[best].p_value
    assert (again.corrected_p or 0) > (again.p_value or 1)


def test_appended_days_go_on_with_a_try_and_the_days_of_then_are_judged_as_they_were(tmp_path: Path) -> None:
    then, _ = verdict_of(tmp_path, 1, NOISE.height - 40)
    now, grown = verdict_of(tmp_path, 1)
    assert (grown.skill, grown.economic, grown.new) == (1, 1, False)
    again, tries = verdict_of(tmp_path, 1, NOISE.height - 40)
    assert (tries.skill, tries.new) == (1, False)
    assert (again.p_value, again.corrected_p) == (then.p_value, then.corrected_p)
    assert again.p_value != now.p_value


def test_scores_that_are_gone_cost_more(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        verdict_of(tmp_path, seed)
    kept, tries = verdict_of(tmp_path, 1)
    others = [
        trial
        for trial in register_of(experiment(tmp_path, NOISE).runs).sharing(
            tries.series, kept.first, kept.last
        )
        if trial.key != tries.key
    ]
    assert len(others) == 2
    for trial in others:
        (tmp_path / "runs" / "trials" / "scores" / f"{trial.scores}.parquet").unlink()
    gone, tries = verdict_of(tmp_path, 1)
    assert (tries.skill, tries.lost) == (3, 2)
    assert gone.corrected_p is not None
    assert gone.p_value is not None
    assert gone.corrected_p == 1 - (1 - gone.p_value) ** 3
