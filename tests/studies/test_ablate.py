"""The ablation on tiny markets: what is stored, what is trained again, and what the report computes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geiger import metrics
from geiger.errors import SettingError, TrainingError
from geiger.evidence.trials import Register
from geiger.models.baselines import Ridge
from geiger.settings import recipe
from geiger.studies.ablate import (
    ERROR,
    Results,
    Task,
    config_of,
    expected_hours,
    make_tasks,
    run,
    select,
    train,
)
from geiger.studies.ablation_report import Ablation, write_report
from geiger.studies.arms import Arm
from geiger.studies.markets import MadeMarket, RealMarket, real_symbols
from helpers.ablations import ARMS_HERE, ROWS, STRONG, WEAK, made

BROKEN = Arm("broken", "penalty", "ridge", "One that fails.", "weak", {"ridge": {"alphas": (2.0,)}})


def test_selected_arms_bring_what_they_are_compared_with() -> None:
    assert [arm.name for arm in select(ARMS_HERE, "str*")] == ["weak", "strong"]
    assert select(ARMS_HERE, group="penalty") == list(ARMS_HERE)
    with pytest.raises(SettingError, match="penalty"):
        select(ARMS_HERE, group="penality")
    with pytest.raises(SettingError, match="strong"):
        select(ARMS_HERE, "strongg")


def test_every_result_is_stored_and_measured(done: tuple[list[Task], Results]) -> None:
    tasks, results = done
    assert not results.open_tasks(tasks)
    for task in tasks:
        record = results.by_key[task.key]
        assert record["arm"] == task.arm.name
        assert record["environment"]["code"]
        assert record["measured"]["n"] == 100
    weak = results.by_key[tasks[0].key]["measured"]
    assert weak["eic"] == pytest.approx(weak["efficiency"] * weak["ceiling"])
    assert 0.0 < weak["efficiency"] < 1.0  # the line was found, and with noise
    assert weak["ceiling"] == pytest.approx(math.sqrt(0.1), abs=0.1)
    assert results.by_key[tasks[2].key]["measured"]["eic"] is None  # nothing to be found


def test_a_second_run_trains_nothing(done: tuple[list[Task], Results]) -> None:
    _, results = done
    again, seen = Results(results.path), []
    assert again.by_key == results.by_key
    run(make_tasks(ARMS_HERE, made()), again, workers=1, on_done=seen.append)
    assert seen == []


@pytest.mark.slow
def test_processes_find_the_same_figures(done: tuple[list[Task], Results], tmp_path: Path) -> None:
    tasks, results = done
    other = Results(tmp_path / "other.jsonl")
    run(tasks[:2], other, workers=2)
    assert set(other.by_key) == {task.key for task in tasks[:2]}
    for key, record in other.by_key.items():
        for name in ("rho", "k", "eic", "r2"):  # threads of one process add up in another order
            assert record["measured"][name] == pytest.approx(results.by_key[key]["measured"][name], rel=1e-9)


def test_keys_depend_on_settings_and_market_only() -> None:
    (first,) = make_tasks([WEAK], [MadeMarket("volume", 0.1, 0, **ROWS)])
    renamed = Arm("again", "other", "ridge", "The same.", "", {"ridge": {"alphas": (1.0,)}})
    assert make_tasks([renamed], [first.market])[0].key == first.key
    assert make_tasks([STRONG], [first.market])[0].key != first.key
    assert make_tasks([WEAK], [MadeMarket("volume", 0.1, 1, **ROWS)])[0].key != first.key
    elsewhere = {"stack": {"meta": "equal"}, "trading": {"cost_bps": 1.0}, "lgb": {"depth": 9}}
    same = Arm("same", "other", "ridge", "?", "", {**WEAK.changes, **elsewhere})  # of a ridge nothing changes
    assert make_tasks([same], [first.market])[0].key == first.key
    simple = Arm("simple", "target", "ridge", "?", "", WEAK.changes, target="simple")
    assert make_tasks([simple], [first.market])[0].key != first.key


def test_a_torn_line_costs_one_result(done: tuple[list[Task], Results], tmp_path: Path) -> None:
    tasks, results = done
    path = tmp_path / "torn.jsonl"
    path.write_bytes(results.path.read_bytes()[:-40])
    torn = Results(path)
    assert len(torn.open_tasks(tasks)) == 1
    run(tasks, torn, workers=1)
    assert not Results(path).open_tasks(tasks)


def test_a_failed_training_is_a_result_and_a_broken_task_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(self: Ridge, *args: Any, **names: Any) -> None:
        raise TrainingError("no forecast is finite")

    def breaks(self: Ridge, *args: Any, **names: Any) -> None:
        raise MemoryError("no room in /some/where/else")

    tasks = make_tasks([BROKEN], made(1))
    results = Results(tmp_path / "ablate.jsonl")
    monkeypatch.setattr(Ridge, "fit", breaks)
    run(tasks, results, workers=1)
    assert len(results.open_tasks(tasks)) == 2
    assert results.errors[tasks[0].key] == "MemoryError: no room in /some/where/else"
    page, _ = write_report(Ablation("geiger ablate", [BROKEN], tasks, results), tmp_path / "out")
    assert "no room in else" in page.read_text(encoding="utf-8")

    monkeypatch.setattr(Ridge, "fit", fails)
    run(tasks, results, workers=1)
    assert not results.open_tasks(tasks)
    assert not results.errors
    record = Results(results.path).by_key[tasks[0].key]
    assert record["status"] == "FAILED"
    assert "no forecast is finite" in record["error"]
    page, _ = write_report(Ablation("geiger ablate", [BROKEN], tasks, results), tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert "2 failed" in text
    assert "broken on volume 10% #0" in text


def test_no_time_no_training(tmp_path: Path) -> None:
    tasks = make_tasks([WEAK], made(1))
    results = Results(tmp_path / "ablate.jsonl")
    run(tasks, results, workers=1, minutes=0.0)
    assert len(results.open_tasks(tasks)) == 2
    assert expected_hours(tasks, results, workers=1) == pytest.approx(2 / 3600)


def test_an_arm_on_a_real_market_is_a_try_and_on_a_made_one_is_none(tmp_path: Path) -> None:
    market = RealMarket("AAPL", None, Path("nowhere"), end="2005-12-30", refit=100, max_folds=1)
    register, results = Register(tmp_path / "trials"), Results(tmp_path / "results.jsonl")
    run(make_tasks([WEAK], [market, made()[0]]), results, register=register, workers=1)
    (line,) = register.lines()
    assert line.trial.symbol == "AAPL"
    assert line.trial.run is None
    assert "tried" not in results.path.read_text()


def test_a_real_market_stops_at_its_end_and_its_place_is_not_in_its_key() -> None:
    library = Path("nowhere")
    market = RealMarket("AAPL", None, library, end="2005-12-30", refit=100, max_folds=1)
    (task,) = make_tasks([WEAK], [market])
    record = train(task)
    assert record["status"] != ERROR
    assert 0 < record["measured"]["n"] <= 100
    assert record["tried"].trial.rows == record["measured"]["n"] - 20
    assert record["measured"]["eic"] is None
    assert len(record["by_day"]["day"]) == len(record["by_day"]["influence"]) == record["measured"]["n"]
    influence = np.array(record["by_day"]["influence"])
    assert metrics.mean_error(influence) == pytest.approx(record["measured"]["rho_error"], rel=1e-4)
    assert "nowhere" not in json.dumps(record, default=str)
    material, _ = market.load(task.config)
    assert str(material.prices["day"][-1]) == "2005-12-30"
    assert (
        make_tasks(
            [WEAK], [RealMarket("AAPL", None, Path("other"), end="2005-12-30", refit=100, max_folds=1)]
        )[0].key
        == task.key
    )
    assert "^GSPC" not in real_symbols(None, library)
    assert "AAPL" in real_symbols(None, library)


def test_the_recipe_itself_is_left_as_it_is() -> None:
    before = recipe("default")
    config_of(STRONG, made()[0])
    assert recipe("default") == before
