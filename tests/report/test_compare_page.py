from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from geiger.records import Answer, AuditSummary, as_text
from geiger.report.compare_page import compare_page
from geiger.report.comparison import compare
from geiger.report.gather import HELD, MATCHED, view_of
from geiger.runs.folder import StoredRun
from helpers.pages import Changed, Read, Runs


def test_runs_side_by_side(made: Runs, read: Read) -> None:
    stored = [made["ridge"], made["xgb"]]
    view = compare(stored, [view_of(one) for one in stored])
    assert view.same_days
    page = read(compare_page(view))
    tables = page.tables()
    figures = tables["Final metrics, over each run's own days"]
    assert figures[0][1:] == ["A: AAPL ridge", "B: AAPL xgb"]
    sharpe = next(row for row in figures if row[0] == "Test Sharpe")
    values = [view.runs[i].figure("Test Sharpe").value for i in (0, 1)]  # type: ignore[union-attr]
    best = int(values[1] > values[0])
    assert sharpe[1 + best] == f"{as_text(values[best], 'ratio')} (best)"
    assert sharpe[2 - best] == as_text(values[1 - best], "ratio")
    base = next(row for row in figures if row[0] == "Buy & Hold Sharpe")
    assert not any("best" in cell for cell in base)
    assert len(page.all("h1")) == 1
    common = next(rows for caption, rows in tables.items() if "common days alone" in caption)
    totals = [one.score("total_return")["strategy"] for one in view.runs]
    assert common[0][2] == "Growth, net"
    assert [row[2].removesuffix(" (best)") for row in common[1:3]] == [as_text(t, "return") for t in totals]
    assert [row[0] for row in common[1:]] == ["A: AAPL ridge", "B: AAPL xgb", "buy and hold (gross)"]


def test_each_run_stands_with_its_audit_and_a_red_one_is_an_alarm(made: Runs, read: Read) -> None:
    stored = [made["ridge"], made["xgb"]]
    red = AuditSummary(color="red", stages=13, cuts=6, day="2026-11-29", leak="features: own_x")
    views = [view_of(stored[0]), replace(view_of(stored[1]), audit=red)]
    page = read(compare_page(compare(stored, views)))
    (row,) = [row for row in page.tables()["Status, health and days of each run"] if row[0] == "Audit"]
    assert row[1:] == ["none", red.text()]
    assert "look-ahead in features: own_x" in page.by_id("alarms").words()


def test_runs_on_other_days_are_compared_on_the_common_ones(made: Runs, read: Read) -> None:
    stored = [made["ridge"], made["stack"]]
    view = compare(stored, [view_of(one) for one in stored])
    assert not view.same_days
    assert view.common is not None
    days = set(made["ridge"].ledger()["day"]) & set(made["stack"].ledger()["day"])
    assert len(view.common.days) == len(days) < made["ridge"].ledger().height
    page = read(compare_page(view))
    assert f"{len(days)} days are common to all runs" in page.words()
    own = page.tables()["Final metrics, over each run's own days"]
    assert not any("(best)" in cell for row in own for cell in row)
    assert "own days, which differ" in page.by_id("figures").words()


def test_only_settings_that_differ_are_shown(made: Runs, changed: Changed, read: Read) -> None:
    other = changed(made["ridge"], lambda facts: facts["config"]["trading"].update(cost_bps=9.0))
    renamed = StoredRun(other.folder, other.record)
    views = [view_of(made["xgb"]), view_of(renamed)]
    rows = read(compare_page(compare([made["xgb"], renamed], views))).tables()["Settings that differ"]
    assert rows[1:] == [["trading.cost_bps", "5.0", "9.0"]]


def without_year(facts: dict[str, Any]) -> None:
    facts.pop("days_per_year")


@pytest.mark.parametrize("old", [False, True])
def test_weekends_costs_and_cash_are_those_of_the_run(
    old: bool, coin: Runs, changed: Changed, read: Read
) -> None:
    stored = [changed(run, without_year) for run in coin.values()] if old else list(coin.values())
    assert (coin["ridge"].record.days_per_year, stored[0].record.days_per_year) == (365, None if old else 365)
    views = [view_of(run) for run in stored]
    for view in views:
        assert view.equity is not None
        total = view.score("total_return")
        for curve, name in ((HELD, "buy_and_hold"), (MATCHED, "volatility_matched")):
            assert view.equity.curves[curve][-1] - 1 == pytest.approx(total[name], abs=1e-12)
    view = compare(stored, views)
    figure = views[0].figure("Test Sharpe")
    assert figure is not None
    assert dict(view.common_figures[0].values)[views[0].name] == pytest.approx(figure.value, abs=1e-12)
    assert "A year is 365 days" in read(compare_page(view)).by_id("equity").words()


def symbol(facts: dict[str, Any]) -> None:
    facts["symbol"] = "MSFT"


def prices(facts: dict[str, Any]) -> None:
    facts["data"]["data_hash"] = "0" * 64


def fill(facts: dict[str, Any]) -> None:
    facts["fill"] = "close" if facts["fill"] != "close" else "next_open"


def cost(facts: dict[str, Any]) -> None:
    facts["config"]["trading"]["cost_bps"] = 9.0


@pytest.mark.parametrize(
    ("change", "caution"),
    [
        (symbol, "of different symbols (Symbol)"),
        (prices, "on different prices (Data Hash)"),
        (fill, "filled differently, so that their targets differ (Fill)"),
        (cost, "pay different costs (Cost)"),
    ],
)
def test_runs_under_other_conditions_have_no_best(
    change: Callable[[dict[str, Any]], None], caution: str, made: Runs, changed: Changed, read: Read
) -> None:
    stored = [made["xgb"], changed(made["ridge"], change)]
    view = compare(stored, [view_of(one) for one in stored])
    assert view.same_days
    page = read(compare_page(view))
    assert not any("(best)" in cell for table in page.tables().values() for row in table for cell in row)
    assert f"{caution}: figures do not compare one to one" in page.by_id("cautions").words()
    assert "none is marked as the better one" in page.by_id("figures").words()


def test_a_comparison_says_what_a_difference_is_worth(made: Runs, read: Read) -> None:
    def cautions(*names: str) -> str:
        stored = [made[name] for name in names]
        page = read(compare_page(compare(stored, [view_of(one) for one in stored])))
        return str(page.by_id("cautions").words())

    assert "one to one" not in cautions("ridge", "xgb")
    assert "a difference between two figures is no evidence by itself" in cautions("ridge", "xgb")
    assert "cover different days (Days)" in cautions("ridge", "stack")
    assert "different folds" in cautions("ridge", "stack")


def test_where_less_is_better_the_lowest_is_the_best(made: Runs, read: Read) -> None:
    stored = [made["ridge"], made["xgb"]]
    view = compare(stored, [view_of(one) for one in stored])
    tables = read(compare_page(view)).tables()
    falls = [one.score("max_drawdown")["strategy"] for one in view.runs]
    lowest = min(fall for fall in falls if fall is not None)
    own = next(row for row in tables["Final metrics, over each run's own days"] if row[0] == "Max Drawdown")
    common = next(rows for caption, rows in tables.items() if "common days alone" in caption)
    for row in (own, ["Max drawdown", *(row[3] for row in common[1:3])]):
        assert [cell for cell in row if "(best)" in cell] == [f"{as_text(lowest, 'share')} (best)"]


def test_two_runs_of_a_panel_are_paired(panel_run: StoredRun, read: Read, tmp_path: Path) -> None:
    folder = tmp_path / "TWELVE_ridge_20240105_143022"
    shutil.copytree(panel_run.folder, folder)
    other = StoredRun(folder, panel_run.record)
    page = read(compare_page(compare([panel_run, other], [view_of(panel_run), view_of(other)])))
    tables = page.tables()
    found = panel_run.record.results.cross_section
    assert found is not None
    first = found.ics[0]
    answers = tables["The runs, the answer first"]
    assert answers[0][2:4] == ["Rank IC", "Error"]
    assert answers[1][2:4] == [as_text(first.mean, "return"), as_text(first.error, "return")]
    shown = f"{as_text(first.mean, 'return')} ± {as_text(first.error, 'return')}"
    assert tables["Mean daily rank correlation of scores with outcomes"][1] == ["all days", shown, shown]
    (row,) = tables["A: TWELVE ridge less each other run, on common days and symbols"][1:]
    assert row[1:3] == [str(first.days), as_text(first.mean, "return")]
    assert row[4] == "0.00%"
    assert "equal weight (gross)" in page.by_id("equity").words()
    assert "#ranks" in [node.attributes["href"] for node in page.all("a")]


def test_runs_of_symbols_have_no_rank_correlations(made: Runs, read: Read) -> None:
    stored = [made["ridge"], made["xgb"]]
    page = read(compare_page(compare(stored, [view_of(one) for one in stored])))
    assert "#ranks" not in [node.attributes["href"] for node in page.all("a")]


def test_the_answer_comes_first_and_a_run_leads_to_its_own_page(made: Runs, read: Read) -> None:
    stored = [made["ridge"], made["xgb"]]
    views = [view_of(one) for one in stored]
    told = replace(views[1].gist, answer=Answer.NO_SIGNAL)  # type: ignore[type-var]
    views = [replace(views[0], status="COLLAPSED"), replace(views[1], gist=told)]
    page = read(compare_page(compare(stored, views), {stored[1].name: "x/report.html"}))
    header = page.all("header")[0]
    (rows,) = header.tables().values()
    assert rows[0][:2] == ["Run", "Verdict"]
    assert [row[1] for row in rows[1:]] == ["COLLAPSED, not evaluated", "NO SIGNAL"]
    links = [node.attributes["href"] for node in header.all("table")[0].all("a")]
    assert links == ["x/report.html"]


def test_the_best_is_paired_with_the_others(made: Runs, read: Read) -> None:
    stored = [made["ridge"], made["xgb"]]
    view = compare(stored, [view_of(one) for one in stored])
    nets = {run.name: run.ledger()["net"].to_numpy() for run in stored}
    sharpes = {name: net.mean() / net.std() for name, net in nets.items()}
    best, other = sorted(sharpes, key=lambda name: -sharpes[name])
    assert view.best == best
    (pair,) = view.paired
    more = nets[best] - nets[other]
    assert (pair.name, pair.days) == (other, len(more))
    assert pair.gain == pytest.approx(252 * more.mean())
    assert pair.error == pytest.approx(252 * more.std() / len(more) ** 0.5, rel=0.5)
    words = read(compare_page(view)).by_id("equity").words()
    assert "the highest Sharpe ratio on the common days, less each other run" in words


def test_what_does_not_compare_is_not_ranked(made: Runs, changed: Changed, read: Read) -> None:
    stored = [made["xgb"], changed(made["ridge"], fill)]
    view = compare(stored, [view_of(one) for one in stored])
    assert (view.best, view.paired) == (None, ())
    assert "Not ranked: the runs differ" in read(compare_page(view)).all("header")[0].words()


def test_twelve_runs_have_a_page(made: Runs, read: Read, tmp_path: Path) -> None:
    stored = []
    for i in range(12):
        folder = tmp_path / f"AAPL_ridge_20240105_1430{i:02d}"
        shutil.copytree(made["ridge"].folder, folder)
        stored.append(StoredRun(folder, made["ridge"].record))
    text = compare_page(compare(stored, [view_of(one) for one in stored]))
    assert len(text.encode()) < 1_500_000
    page = read(text)
    assert [row[0] for row in page.all("header")[0].tables()["The runs, the answer first"][1:]][
        -1
    ] == "L: AAPL ridge"
    figures = page.tables()["Final metrics, over each run's own days"]
    assert figures[0] == ["Figure", *"ABCDEFGHIJKL"]
    drawn = page.by_id("equity").all("figure")[0]
    assert drawn.words().count("L: AAPL ridge") == 2  # wide and narrow
