"""The ablation on tiny markets: what is stored, what is trained again, and what the report computes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from geiger import metrics
from geiger.errors import SettingError, TrainingError
from geiger.models.baselines import Ridge
from geiger.settings import recipe
from geiger.studies import ablate
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
from geiger.studies.arms import ARMS, Arm
from geiger.studies.beyond_range import beyond_range, series
from geiger.studies.markets import MadeMarket, Market, RealMarket, few_of, made_markets, real_symbols
from geiger.studies.tables import Estimate, by_kind, differences, make_rows, over_made_markets, t_97_5

WEAK = Arm("weak", "penalty", "ridge", "A weak penalty.", "", {"ridge": {"alphas": (1.0,)}})
STRONG = Arm("strong", "penalty", "ridge", "A strong one.", "weak", {"ridge": {"alphas": (1e6,)}})
BROKEN = Arm("broken", "penalty", "ridge", "One that fails.", "weak", {"ridge": {"alphas": (2.0,)}})
ARMS_HERE = (WEAK, STRONG)
ROWS = {"train_rows": 300, "test_rows": 100}


def made(numbers: int = 2) -> list[Market]:
    volume: list[Market] = [MadeMarket("volume", 0.1, i, **ROWS) for i in range(numbers)]
    return [*volume, MadeMarket(None, 0.0, 0, **ROWS)]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Task], Results]:
    tasks = make_tasks(ARMS_HERE, made())
    results = Results(tmp_path_factory.mktemp("runs") / "studies" / "ablate.jsonl")
    run(tasks, results, workers=1)
    return tasks, results


def test_the_table_of_arms_holds_together() -> None:
    names = [arm.name for arm in ARMS]
    assert len(set(names)) == len(names)
    market = made_markets(1)[0]
    for arm in ARMS:
        assert arm.base in ("", *names), arm.name
        assert arm.question.endswith((".", "?"))
        assert config_of(arm, market).fill == "next_open"  # the same target for all
        assert config_of(arm, market).seeds == arm.changes.get("seeds", 1)
        ablate._forecaster(arm, config_of(arm, market))


def test_selected_arms_bring_what_they_are_compared_with() -> None:
    assert [arm.name for arm in select(ARMS_HERE, "str*")] == ["weak", "strong"]
    assert select(ARMS_HERE, group="penalty") == list(ARMS_HERE)
    with pytest.raises(SettingError, match="penalty"):
        select(ARMS_HERE, group="penality")
    with pytest.raises(SettingError, match="strong"):
        select(ARMS_HERE, "strongg")


def test_a_made_market_has_one_fold_and_numbers_of_its_own() -> None:
    market = MadeMarket("volume", 0.1, 0, train_rows=300, test_rows=100)
    config = config_of(WEAK, market)
    material, truth = market.load(config)
    (fold,) = ablate.plan_folds(material, config)
    assert (len(fold.train) + len(fold.valid) + 1, len(fold.test)) == (300, 100)
    assert fold.test.stop == material.labelled
    assert truth is not None
    assert len(truth) == material.prices.height
    prints = {one.fingerprint() for one in made_markets(2, **ROWS)}
    assert len(prints) == 2 * 6


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


def test_rows_agree_with_a_hand_computation(done: tuple[list[Task], Results]) -> None:
    tasks, results = done
    report = Ablation("geiger ablate", ARMS_HERE, tasks, results)
    weak, strong = make_rows(ARMS_HERE, report.planned(), report.found())
    eic = {
        arm.name: [results.by_key[t.key]["measured"]["eic"] for t in tasks if t.arm is arm][:2]
        for arm in ARMS_HERE
    }
    first, second = eic["strong"][0] - eic["weak"][0], eic["strong"][1] - eic["weak"][1]
    found = strong.made_difference
    assert found is not None
    assert found.mean == pytest.approx((first + second) / 2)
    assert found.error == pytest.approx(abs(first - second) / 2)  # of two values
    assert found.half_width == pytest.approx(12.7062 * abs(first - second) / 2)
    assert weak.made_difference is None
    assert weak.linear is not None
    assert weak.linear.mean == pytest.approx(sum(eic["weak"]) / 2)
    assert (weak.nulls, weak.nonlinear, weak.real, weak.done) == (1, None, None, 3)


def test_constant_and_failed_forecasts_have_learned_nothing() -> None:
    market = MadeMarket("volume", 0.1, 0)
    own = {market: {"measured": {"eic": None}}}
    assert differences(own, {market: {"measured": {"eic": 0.25}}}, ("linear",)) == [-0.25]
    assert differences({market: {"measured": {}}}, {market: {"measured": {"eic": 0.25}}}, ("linear",)) == [
        -0.25
    ]


def test_marks_and_intervals() -> None:
    assert over_made_markets([]) is None
    assert over_made_markets([1.0]) == Estimate(1.0, None, 1, 0)
    assert Estimate(1.0, None, 1, 0).mark == "?"
    assert Estimate(0.1, 0.1, 4, 3).mark == "="
    assert Estimate(0.11, 0.1, 4, 3).mark == "+"
    assert Estimate(-0.11, 0.1, 4, 3).mark == "-"
    values = [0.1, 0.4, 0.2, 0.9]
    found = over_made_markets(values)
    assert found is not None
    low, high = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert found.half_width is not None
    assert (found.mean - found.half_width, found.mean + found.half_width) == pytest.approx(
        (low, high), abs=1e-4
    )


@pytest.mark.parametrize("freedom", [1, 2, 10, 30, 31, 100, 1000])
def test_quantiles_of_student(freedom: int) -> None:
    assert t_97_5(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-3)


def test_the_error_over_kinds_leaves_out_what_lies_between_them() -> None:
    found = by_kind({"weak": [0.1, 0.3], "strong": [0.9, 1.1]})
    assert found is not None
    assert (found.mean, found.error, found.n) == (
        pytest.approx(0.6),
        pytest.approx(math.sqrt(4 * 0.02 / 16)),
        4,
    )
    assert by_kind({}) is None


def test_the_report_has_no_path_and_says_what_is_missing(
    done: tuple[list[Task], Results], tmp_path: Path
) -> None:
    tasks, results = done
    more = make_tasks(ARMS_HERE, made(3))
    beyond = {"ridge": {"within": [0.5, 0.7], "beyond": [0.9, 0.9]}}
    page, data = write_report(Ablation("geiger ablate", ARMS_HERE, more, results, beyond), tmp_path / "out")
    text, facts = page.read_text(encoding="utf-8"), json.loads(data.read_text(encoding="utf-8"))
    for written in (text, data.read_text(encoding="utf-8")):
        assert str(tmp_path) not in written
        assert "/home" not in written
        assert str(Path.cwd()) not in written
    assert "- weak: 1 of 4" in text
    assert "6 of 8 different trainings" in text
    assert "0.6000 ± 0.1000" in text
    assert len(facts["results"]) == 6
    assert [row["arm"]["name"] for row in facts["rows"]] == ["weak", "strong"]
    assert tasks[0].key in results.by_key


def test_few_markets_are_a_line_two_facts_nothing_and_two_symbols() -> None:
    real = [RealMarket(name) for name in ("AAA", "BBB", "CCC")]
    names = [market.name for market in few_of([*made_markets(4), *real])]
    kinds = ["volume 2%", "interaction 10%", "nothing"]
    assert names == [*(f"{kind} #{i}" for kind in kinds for i in (0, 1)), "AAA", "BBB"]


def test_a_real_market_stops_at_its_end_and_its_place_is_not_in_its_key() -> None:
    library = Path("nowhere")
    market = RealMarket("AAPL", None, library, end="2005-12-30", refit=100, max_folds=1)
    (task,) = make_tasks([WEAK], [market])
    record = train(task)
    assert record["status"] != ERROR
    assert 0 < record["measured"]["n"] <= 100
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


def test_the_error_over_symbols_comes_from_the_days_they_share() -> None:
    """Two symbols with the same forecasts and outcomes are one: their spread of 0 is no error of 0."""
    rng = np.random.default_rng(0)
    forecasts, days = rng.normal(size=(2, 200)), list(range(200))
    outcome = rng.normal(size=200)

    def record(forecast: np.ndarray) -> dict[str, Any]:
        influence = metrics.correlation_influence(forecast, outcome)
        assert influence is not None
        rho = metrics.correlation(forecast, outcome)
        measured = {"rho": rho, "rho_error": metrics.correlation_error(forecast, outcome), "k": 0.1}
        return {
            "status": "SUCCESS",
            "error": None,
            "measured": measured,
            "by_day": {"day": days, "influence": influence.tolist()},
        }

    first, second = RealMarket("AAA"), RealMarket("BBB")
    weak, strong = (record(forecast) for forecast in forecasts)
    found = {"weak": {first: weak, second: weak}, "strong": {first: strong, second: strong}}
    planned: dict[str, list[Market]] = {"weak": [first, second], "strong": [first, second]}
    base, other = make_rows(ARMS_HERE, planned, found)
    assert base.real is not None
    assert base.real.error == pytest.approx(metrics.correlation_error(forecasts[0], outcome))
    assert base.real.freedom == 199
    assert other.real_difference is not None
    assert other.real_difference.error is not None
    assert other.real_difference.mean == pytest.approx(strong["measured"]["rho"] - weak["measured"]["rho"])
    drawn = [
        metrics.correlation(forecasts[1][rows], outcome[rows])  # type: ignore[operator]
        - metrics.correlation(forecasts[0][rows], outcome[rows])
        for rows in rng.integers(0, 200, (2000, 200))
    ]
    assert other.real_difference.error == pytest.approx(np.std(drawn), rel=0.1)


def test_trees_stay_within_the_range_and_a_line_does_not() -> None:
    level = series("beyond", 0)
    assert level[-500:].min() > level[:1000].max()
    found = beyond_range(1, models=("ridge", "lgb"), trees=100)
    assert found["lgb"]["within"][0] > 0.6
    assert found["lgb"]["beyond"][0] < 0.0
    assert found["ridge"]["beyond"][0] > 0.6
    assert abs(found["lgb"]["returns"][0] - found["ridge"]["returns"][0]) < 0.1


def test_the_recipe_itself_is_left_as_it_is() -> None:
    before = recipe("default")
    config_of(STRONG, made()[0])
    assert recipe("default") == before
