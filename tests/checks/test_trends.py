"""Patterns over several runs: each holds where it should, and not one run earlier."""

from __future__ import annotations

import random
import shlex
from collections import Counter
from itertools import count

import pytest

from geiger.checks.trends import TRENDS, Brief, find_trends
from geiger.command_line import Folders

_NUMBERS = count()


def brief(symbol: str = "AAPL", model: str = "lstm", status: str = "SUCCESS", **facts: object) -> Brief:
    """A run a minute after the one before."""
    n = next(_NUMBERS)
    began = f"2025-12-{1 + n // 1440:02d}T{n // 60 % 24:02d}:{n % 60:02d}:00"
    name = f"{symbol}_{model}_{began.replace('-', '').replace(':', '').replace('T', '_')}"
    line = shlex.join(["geiger", "train", model, symbol])
    given = {"recipe": "default", "data": f"hash of {symbol}", "line": line, **facts}
    return Brief(name, symbol, model, began, status, **given)  # type: ignore[arg-type]


def codes(briefs: list[Brief]) -> list[str]:
    return [finding.code for finding in find_trends(briefs)]


def with_figure(name: str, value: float, **facts: object) -> Brief:
    return brief(figures={name: value}, lines={name: 12}, **facts)  # type: ignore[arg-type]


def test_a_pair_that_always_collapses() -> None:
    runs = [brief(status="COLLAPSED", lines={"STATUS": 90 + i}) for i in range(3)]
    (found,) = find_trends(runs)
    assert found.code == "GC601"
    assert found.text == "AAPL lstm: all 3 finished runs ended COLLAPSED"
    assert [e.place for e in found.evidence] == [f"{b.name}.log:{90 + i}" for i, b in enumerate(runs)]
    assert found.runs == tuple(b.name for b in runs)
    assert found.next == "geiger train ridge AAPL", "not the same once more"
    assert codes(runs[:2]) == []
    assert codes([*runs, brief()]) == []
    assert codes([*runs, brief(status="")]) == ["GC601"], "a run that goes on says nothing yet"


def test_a_symbol_on_which_no_model_ends_well() -> None:
    runs = [brief(model="lstm", status="FAILED"), brief(model="ridge", status="FAILED")]
    runs.append(brief(model="gbm_xgb", status="COLLAPSED"))
    assert codes(runs) == ["GC602"]
    assert codes(runs[:2]) == []
    assert codes([*runs, brief(model="gbm_lgb")]) == []


def test_runs_that_are_killed() -> None:
    runs = [brief(status="", findings={"GC101": "FAIL"}) for _ in range(3)]
    assert codes([*runs, brief(), brief(), brief()]) == ["GC603"]
    assert codes([*runs, *(brief() for _ in range(4))]) == []


@pytest.mark.parametrize("found", [{"GC108": "WARN"}, {"GC101": "NOTE"}, {"GC107": "FAIL"}])
def test_runs_that_were_stopped_or_go_on_are_not_called_killed(found: dict[str, str]) -> None:
    assert "GC603" not in codes([brief(status="", findings=found) for _ in range(4)])


def pairs(by: float, symbols: str = "ABCDE", **other: object) -> list[Brief]:
    """Two runs on each symbol, the second better by `by`, give or take."""
    found = []
    for i, symbol in enumerate(symbols):
        noise = 0.001 * (i - 2)
        found.append(with_figure("Correlation", 0.02 + 0.01 * i, symbol=symbol))
        found.append(with_figure("Correlation", 0.02 + 0.01 * i + by + noise, symbol=symbol, **other))
    return found


def test_a_recipe_that_is_better() -> None:
    (found,) = find_trends(pairs(0.02, recipe="plan"))
    assert found.code == "GC604"
    assert (
        "recipe plan had the higher correlation than recipe default on these days: +0.0200 on average, "
        "higher on 5 of 5 symbols" in found.text
    )
    (worse,) = find_trends(pairs(-0.02, recipe="plan"))
    assert "recipe default had the higher correlation than recipe plan" in worse.text
    assert codes(pairs(0.0005, recipe="plan")) == [], "within the noise"
    assert codes(pairs(0.02, "ABC", recipe="plan")) == [], "too few symbols"
    several = [
        run for model in ("gbm_xgb", "gbm_lgb") for run in pairs(0.02, "ABC", recipe="plan", model=model)
    ]
    assert codes(several) == [], "models of one symbol share its days and count once"


def test_a_model_beside_ridge() -> None:
    (found,) = find_trends(pairs(0.02, model="ridge"))
    assert found.code == "GC605"
    assert found.text.startswith("ridge had the higher correlation than lstm")
    assert codes(pairs(0.02, model="gbm_xgb")) == [], "ridge is what models are held against"


@pytest.mark.parametrize(("step", "word"), [(0.01, "rises"), (-0.01, "falls")])
def test_a_figure_that_drifts(step: float, word: str) -> None:
    runs = [with_figure("Correlation", 0.1 + step * i) for i in range(6)]
    (found,) = find_trends(runs)
    assert found.code == "GC606"
    assert f"AAPL lstm: Correlation {word} over 6 runs, from 0.1 to" in found.text
    assert [e.place for e in found.evidence] == [f"{runs[0].name}.log:12", f"{runs[-1].name}.log:12"]


def noise(seed: int) -> list[Brief]:
    """A folder of runs in which nothing is better than anything."""
    rng = random.Random(seed)
    return [
        brief(symbol, model, recipe=recipe, figures={"Correlation": rng.gauss(0.0, 0.03)}, lines={})
        for symbol in "ABCDEFGH"
        for model in ("ridge", "lstm", "gbm_xgb", "gbm_lgb", "gbm_catboost", "stack")
        for recipe in ("default", "plan")
        for _ in range(6)
    ]


def test_noise_is_seldom_called_a_pattern() -> None:
    """Each kind aims at 5% of the folders; 13 of 120 would have a chance of 1% at that rate."""
    told = Counter(code for seed in range(120) for code in set(codes(noise(seed))))
    assert all(told[code] <= 13 for code in ("GC604", "GC605", "GC606")), told


def test_the_same_run_again_is_no_drift() -> None:
    values = [0.1] * 6 + [0.2] * 6
    assert codes([with_figure("Correlation", value) for value in values]) == [], "one step, many times"


def test_recipes_are_not_one_series() -> None:
    runs = [
        with_figure("Correlation", 0.1 + 0.01 * i, recipe="plan" if i >= 3 else "default") for i in range(6)
    ]
    assert codes(runs) == []


def test_a_figure_that_only_moves() -> None:
    values = (0.1, 0.3, 0.05, 0.2, 0.15, 0.25)
    assert codes([with_figure("Correlation", value) for value in values]) == []
    assert codes([with_figure("Correlation", 0.1) for _ in range(9)]) == [], "it stays the same"


def test_one_finding_in_most_runs() -> None:
    bad = [brief(symbol=s, findings={"GC501": "WARN", "GC503": "NOTE"}) for s in "ABC"]
    assert codes([*bad, brief("D")]) == ["GC607"]
    assert codes([*bad, *(brief(s) for s in "DEF")]) == []
    assert codes([brief(findings={"GC501": "WARN"}) for _ in range(4)]) == [], "one symbol only"


def test_many_tries_on_the_same_prices() -> None:
    runs = [with_figure("Test Sharpe", 0.1 * i, model="gbm_xgb") for i in (3, 1, 6, 2, 5, 4)]
    found = [f for f in find_trends(runs) if f.code == "GC608"]
    assert len(found) == 1
    assert found[0].text.endswith("6 different results on the same prices; the best has Sharpe 0.60")
    assert found[0].evidence[0].place == f"{runs[2].name}.log:12"
    repeated = [with_figure("Test Sharpe", 0.3) for _ in range(9)]
    assert codes(repeated) == [], "the same result again is no further try"
    unknown = [with_figure("Test Sharpe", 0.1 * i, data="") for i in (3, 1, 6, 2, 5, 4)]
    assert codes(unknown) == [], "nobody knows on which prices"
    assert codes([*runs[:5], with_figure("Test Sharpe", 9.0, data="others")]) == []


def test_a_hostile_name_is_quoted_in_every_step() -> None:
    evil = [brief("A; touch x #", model, status="COLLAPSED") for model in ("lstm", "ridge", "lstm")]
    found = find_trends(evil)
    assert found
    for finding in found:
        assert not {"touch", ";"} & set(shlex.split(finding.next)), finding.next


def test_backtests_and_unreadable_logs_are_no_runs() -> None:
    runs = [brief(model="backtest", status="COLLAPSED") for _ in range(3)]
    runs += [brief(status="COLLAPSED", trouble="damaged") for _ in range(3)]
    assert codes(runs) == []


def test_every_pattern_is_described() -> None:
    assert [trend.code for trend in TRENDS] == [f"GC60{n}" for n in range(1, 10)]
    assert all(trend.how and trend.why for trend in TRENDS)


def test_a_verdict_that_knows_fewer_bars_than_another() -> None:
    line = "geiger train lgb AAPL --recipe quick --data 'my prices'"
    old = brief("AAPL", "gbm_lgb", trained="lgb", judged_to="2023-12-29", recipe="quick", line=line)
    new = brief("AAPL", "ridge", trained="ridge", judged_to="2024-01-31")
    (found,) = find_trends([old, new])
    assert found.code == "GC609"
    assert found.text.startswith("AAPL lgb: judged on bars up to 2023-12-29")
    assert found.next == line
    (elsewhere,) = find_trends([old, new], Folders(logs="my logs"))
    assert elsewhere.next == f"{line} --log-dir 'my logs'"
    again = brief("AAPL", "gbm_lgb", trained="lgb", judged_to="2024-01-31")
    assert codes([old, new, again]) == []
    assert codes([old, brief("MSFT", "ridge", judged_to="2024-01-31"), brief("AAPL", "lstm")]) == []
