"""The verdict on a panel: tries registered first, selection and timing told apart, alarms before all."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import geiger
from geiger.audit import panel_door
from geiger.audit.cuts import INSIDE
from geiger.audit.panel_proof import PanelScope, prove_panel
from geiger.backtest.portfolio import Held
from geiger.errors import DataError
from geiger.evidence.panel_test import Grid, selection_test, timing_test
from geiger.experiment.tried import register_of
from geiger.judging.again import judge_stored
from geiger.judging.panel import grid_of, judge_panel, panel, slope_that_pays
from geiger.judging.run import NOTHING, Making
from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.panel.run import PanelFinding, run_panel
from geiger.records import Answer, AuditSummary, Notice, Verdict, Why
from geiger.runlog.verdict import verdict_lines
from helpers.panels import NAME, SYMBOLS, as_csv, panel_config, panel_prices

GREEN = AuditSummary(color="green", stages=13, cuts=8, day="2026-11-29")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> PanelPlan:
    home = tmp_path_factory.mktemp("judged")
    for symbol, prices in panel_prices(1000, 0.02).items():
        as_csv(prices).write_csv(home / f"{symbol}.csv")
    return plan_panel(work_of(home, home))


def work_of(home: Path, data: Path, **changes: object) -> Panel:
    return Panel(
        NAME,
        SYMBOLS,
        config=panel_config(**changes),
        data=data,
        context="none",
        runs_dir=home / "runs",
        log_dir=home / "logs",
    )


@pytest.fixture(scope="module")
def finding(planned: PanelPlan) -> PanelFinding:
    found = []
    run_panel(planned, judge=found.append)
    return found[0]


def at(finding: PanelFinding, home: Path, **changes: object) -> PanelFinding:
    """The same with a register of its own."""
    work = replace(finding.planned.work, runs_dir=home / "runs")
    return replace(finding, planned=replace(finding.planned, work=work), **changes)


def test_a_signal_of_each_symbol_is_found_and_three_tries_are_written_down(
    finding: PanelFinding, tmp_path: Path
) -> None:
    mine = at(finding, tmp_path)
    told = judge_panel(mine, audit=GREEN)
    assert told.answer is Answer.SIGNAL
    assert told.sentence == (
        "the forecasts know which symbols do better the next day: luck and 2 tries would give such scores "
        "less than once in a hundred times"
    )
    assert told.tries is not None
    assert (told.tries.skill, told.tries.economic, told.tries.new) == (2, 1, True)
    lines = register_of(mine.planned.work.runs).lines()
    kinds = [(line.trial.kind, line.trial.settings.rpartition(", ")[2]) for line in lines]
    assert kinds[:2] == [("skill", "selection"), ("skill", "timing")]
    assert lines[2].trial.kind == "economic"
    assert "long/short" in lines[2].trial.settings
    assert all(line.trial.members == SYMBOLS for line in lines)
    assert told.p_value is not None
    assert told.corrected_p is not None
    assert told.p_value < told.corrected_p  # timing counts beside it
    assert told.panel is not None
    assert 10 <= told.panel.names <= 12
    assert told.panel.timing_p is not None
    assert told.panel.timing_corrected_p is not None
    assert told.panel.timing_corrected_p >= told.panel.timing_p


def test_below_ten_symbols_a_day_nothing_is_told(finding: PanelFinding, tmp_path: Path) -> None:
    """However few a panel is trained on: with so few, one regression a day leaves next to nothing."""
    mine, material = at(finding, tmp_path), finding.planned.material
    work = replace(mine.planned.work, config=panel_config(panel={"least_names": 5}))
    eight = replace(material, tradable=material.tradable & (material.member < 8))
    told = judge_panel(replace(mine, planned=replace(mine.planned, work=work, material=eight)), audit=GREEN)
    assert told.answer is Answer.CANNOT_TELL
    assert told.days == 0
    assert told.reasons[0].code == Why.FEW_DAYS


def test_what_is_the_test_is_what_the_verdict_says(finding: PanelFinding, tmp_path: Path) -> None:
    told = judge_panel(at(finding, tmp_path), audit=GREEN)
    material = finding.planned.material
    scores = np.full(material.shape, np.nan)
    frame = finding.walk.forecasts
    day = material.calendar.search_sorted(frame["day"]).to_numpy()
    symbol = [material.symbols.index(name) for name in frame["symbol"]]
    scores[day, symbol] = frame["score"].to_numpy()
    close, opens = np.log(material.bars["close"]), np.log(material.bars["open"])
    returns = np.diff(close, axis=0, prepend=np.nan)
    outcome = np.full(opens.shape, np.nan)
    outcome[:-2] = opens[2:] - opens[1:-1]
    alone = selection_test(Grid(returns, outcome, np.arange(len(opens)) + 2), scores)
    assert told.days == alone.n
    assert told.statistic == pytest.approx(alone.statistic)
    assert told.first == str(material.calendar[int(alone.row[0])])


def test_what_trading_is_worth_is_beside_equal_weight_at_its_exposure(
    finding: PanelFinding, tmp_path: Path
) -> None:
    told = judge_panel(at(finding, tmp_path), audit=GREEN)
    ledger, beside = finding.evaluation.ledger, finding.evaluation.baselines["exposure_matched"]
    assert told.difference == pytest.approx(252 * (ledger["net"] - beside["net"]).mean())


def test_timing_is_the_mean_log_return_forecast_against_what_could_be_traded(
    finding: PanelFinding, tmp_path: Path
) -> None:
    """A stale row's outcome is no part of the market, and a forecast is no number of volatilities."""
    material, issued = finding.planned.material, finding.walk.issued
    stale = (material.member == 2) & (material.day > len(material.calendar) - 100)
    planned = replace(finding.planned, material=replace(material, tradable=material.tradable & ~stale))
    told = judge_panel(at(replace(finding, planned=planned), tmp_path), audit=GREEN).panel
    forecast = material.grid(material.volatility[issued.rows] * issued.expected, issued.rows)
    outcome = np.full(material.shape, np.nan)
    opens = np.log(material.bars["open"])
    outcome[:-2] = opens[2:] - opens[1:-1]
    part = np.zeros(material.shape, dtype=bool)
    part[material.day, material.member] = ~stale
    forecast[~part], outcome[~part] = np.nan, np.nan
    grid = Grid(material.returns, outcome, np.arange(len(opens)) + 2)
    alone = timing_test(grid, forecast)
    assert told is not None
    assert told.timing_days == alone.n
    assert told.timing_statistic == pytest.approx(alone.statistic)


def test_without_an_audit_nothing_is_a_signal(finding: PanelFinding, tmp_path: Path) -> None:
    told = judge_panel(at(finding, tmp_path), audit=None)
    assert (told.answer, told.reasons[0].code) == (Answer.CANNOT_TELL, Why.NOT_AUDITED)


def test_an_alarm_comes_before_anything_good(finding: PanelFinding, tmp_path: Path) -> None:
    rung = Notice("LEAK_SUSPECT", "daily rank correlation from 2016 on 9.00% is above 5.00%")
    evaluation = replace(finding.evaluation, notices=(rung, Notice("OTHER", "is no alarm")))
    told = judge_panel(at(finding, tmp_path, evaluation=evaluation), audit=GREEN)
    assert told.alarms == (rung,)
    assert (told.answer, told.reasons[0].code) == (Answer.CANNOT_TELL, Why.ALARM)
    assert verdict_lines(told)[1] == f"Alarm: {rung.code}: {rung.text}"


def test_a_rerun_is_no_try_and_a_panel_without_one_symbol_is_one_more(
    finding: PanelFinding, tmp_path: Path
) -> None:
    judge_panel(at(finding, tmp_path), audit=GREEN)
    again = judge_panel(at(finding, tmp_path), audit=GREEN).tries
    assert again is not None
    assert (again.skill, again.economic, again.new) == (2, 1, False)
    work = replace(finding.planned.work, name="ELEVEN", symbols=SYMBOLS[1:], runs_dir=tmp_path / "runs")
    fewer = []
    run_panel(replace(work, log_dir=tmp_path / "logs"), judge=fewer.append)
    tries = judge_panel(fewer[0], audit=GREEN).tries
    assert tries is not None
    assert (tries.skill, tries.economic, tries.new) == (4, 2, True)
    assert tries.series == again.series


def test_tries_that_cannot_be_counted_leave_no_answer(finding: PanelFinding, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "trials").write_text("in the way")
    told = judge_panel(at(finding, tmp_path), audit=GREEN)
    assert told.answer is Answer.CANNOT_TELL
    assert told.reasons[0].code == Why.TRIES_UNKNOWN
    assert told.panel is not None
    assert told.panel.timing_corrected_p is None


def test_the_lines_say_what_a_panel_knows(finding: PanelFinding, tmp_path: Path) -> None:
    lines = verdict_lines(judge_panel(at(finding, tmp_path), audit=GREEN))
    by_name = dict(line.split(": ", 1) for line in lines[1:])
    assert "beside equal weight at the same exposure" in by_name["Economic"]
    assert " days of 1" in by_name["Skill"]
    assert by_name["Timing"].endswith(
        "of the mean forecast against the equally weighted market; it decides nothing"
    )
    assert "daily volatilities for one of score" in by_name["Effect"]
    assert "1 is calibrated" not in by_name["Effect"]
    assert "of this panel" in by_name["Tries"]


def test_the_door_gives_the_verdict_before_it_writes(planned: PanelPlan, tmp_path: Path) -> None:
    work = replace(planned.work, runs_dir=tmp_path / "runs", log_dir=tmp_path / "logs")
    finished = geiger.panel(replace(planned, work=work), making=NOTHING)
    assert isinstance(finished.verdict, Verdict)
    assert finished.verdict.answer is Answer.CANNOT_TELL  # nobody has audited it
    assert "audit: was not asked for" in finished.verdict.not_checked
    stored = work.runs.load(finished.name).record.verdict
    assert stored == finished.verdict
    assert finished.log is not None
    assert finished.verdict.sentence in finished.log.read_text()
    assert callable(panel)


def test_a_stored_run_is_judged_as_it_was_and_by_the_audit_and_tries_since(
    planned: PanelPlan, tmp_path: Path
) -> None:
    work = replace(planned.work, runs_dir=tmp_path / "runs", log_dir=tmp_path / "logs")
    made = geiger.panel(replace(planned, work=work), making=NOTHING)
    stored = work.runs.load(made.name)
    stored.note_audit(GREEN)
    stored = work.runs.load(made.name)
    told = judge_stored(stored, work.runs, log_dir=tmp_path / "logs")
    was = made.verdict
    assert was is not None
    assert (told.statistic, told.p_value, told.worth_p) == (was.statistic, was.p_value, was.worth_p)
    assert told.answer is Answer.SIGNAL
    assert told.tries is not None
    assert (told.tries.skill, told.tries.new) == (2, False)
    assert work.runs.load(made.name).record.verdict == told


def test_the_door_makes_the_audit_that_is_missing(
    planned: PanelPlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = PanelScope(cuts=(INSIDE,), futures=("next_row",))
    monkeypatch.setattr(panel_door, "prove_panel", partial(prove_panel, scope=scope))
    work = replace(planned.work, runs_dir=tmp_path / "runs", log_dir=tmp_path / "logs")
    told: list[str] = []
    finished = geiger.panel(replace(planned, work=work), making=Making(on_step=told.append))
    assert told
    assert finished.audit is not None
    assert finished.audit.green
    assert finished.verdict is not None
    assert Why.NOT_AUDITED not in {reason.code for reason in finished.verdict.reasons}
    assert not any(text.startswith("audit") for text in finished.verdict.not_checked)

    def fails(*given: object, **options: object) -> None:
        raise DataError("no world could be made")

    monkeypatch.setattr(panel_door, "prove_panel", fails)
    work = replace(planned.work, runs_dir=tmp_path / "others", log_dir=tmp_path / "logs")
    without = geiger.panel(replace(planned, work=work))
    assert without.audit is None
    assert without.verdict is not None
    assert "audit: no world could be made" in without.verdict.not_checked


def test_outcomes_are_known_two_days_later_and_those_of_a_halted_symbol_are_late(planned: PanelPlan) -> None:
    material = planned.material
    on_time = material.on_time.copy()
    row = int(np.flatnonzero(np.isfinite(material.outcome))[5])
    on_time[row] = False
    grid = grid_of(replace(material, on_time=on_time), 1)
    assert (grid.known_from == np.arange(len(material.calendar)) + 2).all()
    assert grid.late is not None
    late = np.argwhere(grid.late & np.isfinite(grid.outcome))
    assert late.tolist() == [[material.day[row], material.member[row]]]


def test_the_slope_that_pays_is_cost_over_what_positions_earn_of_a_slope_of_one() -> None:
    rng = np.random.default_rng(1)
    days, names = 700, 12
    returns = 0.01 * rng.standard_normal((days, names))
    outcome = np.concatenate((returns[1:], np.full((1, names), np.nan)))
    score = np.where(np.arange(days)[:, None] < 300, np.nan, rng.standard_normal((days, names)))
    told = selection_test(Grid(returns, outcome, np.arange(days) + 1), score)
    rows = told.row[5:-5]
    weights = rng.standard_normal((rows.size, names)) * 0.01 + 0.02 * told.scores.g[5:-5]
    flat = np.zeros(rows.size)
    held = Held(rows, weights, weights, flat, flat, flat, flat + 0.0003, flat, flat, 0)
    earned = [
        sum(weights[k, i] * told.scores.s[k + 5, i] * told.scores.g[k + 5, i] for i in range(names))
        for k in range(rows.size)
    ]
    assert slope_that_pays(told, held) == pytest.approx(0.0003 / (sum(earned) / len(earned)))
    assert slope_that_pays(told, replace(held, weights=-weights)) is None
    assert slope_that_pays(told, replace(held, rows=rows + 10_000)) is None
