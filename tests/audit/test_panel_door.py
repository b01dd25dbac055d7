"""The door for panels: an audit is made once, and stands in the run's record and its log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import geiger
from geiger.audit import panel_door
from geiger.audit.panel_door import How, audit_panel, audit_panel_run
from geiger.audit.panel_proof import PanelScope, prove_panel
from geiger.errors import SettingError
from geiger.panel.again import backtest_panel, plan_again
from geiger.panel.plan import PanelPlan
from geiger.panel.run import run_panel
from geiger.runlog import read_log
from geiger.runs.audits import CanaryCheck


@pytest.fixture
def planned(panel_plan: PanelPlan, tmp_path: Path) -> PanelPlan:
    work = replace(panel_plan.work, runs_dir=tmp_path / "runs", log_dir=tmp_path / "logs")
    return replace(panel_plan, work=work)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove at one cut: how much is proved is told elsewhere."""

    def prove(*given: Any, **options: Any) -> Any:
        return prove_panel(
            *given, **options, scope=PanelScope(cuts=("inside a middle fold",), futures=("next_row",))
        )

    monkeypatch.setattr(panel_door, "prove_panel", prove)


def test_an_audit_is_made_once(planned: PanelPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    assert planned.audited() is None
    first = audit_panel(planned)
    assert first.green
    assert planned.audited() == first
    assert first.key == planned.audit_key()
    monkeypatch.setattr(panel_door, "prove_panel", None)  # nothing is proved again
    assert audit_panel(planned) == first
    with pytest.raises(TypeError):
        audit_panel(planned, How(again=True))


def test_other_trading_is_another_key(planned: PanelPlan) -> None:
    trading = replace(planned.work.config.trading, cost_bps=1.0)
    work = replace(planned.work, config=replace(planned.work.config, trading=trading))
    other = replace(planned, work=work)
    assert other.key() == planned.key()
    assert other.audit_key() != planned.audit_key()


def test_a_run_is_audited_on_what_it_kept_and_says_so(planned: PanelPlan) -> None:
    finished, runs = run_panel(planned), planned.work.runs
    assert finished.audit is None
    stored = runs.load(finished.name)
    found = geiger.audit(replace(planned.work, prices=None), run=finished.name)
    assert found.run == finished.name
    assert found.key == planned.audit_key()  # a plan of the same finds it
    again = runs.load(finished.name).record.audit
    assert again is not None
    assert again.text() == found.summary.text()
    assert finished.log is not None
    assert read_log(finished.log).audit == again
    assert run_panel(planned).audit == found.summary  # the next run of the same has it from the start
    traded = backtest_panel(plan_again(stored, runs, stored.config()), stored)
    with pytest.raises(SettingError, match="a backtest trained nothing"):
        audit_panel_run(runs.load(traded.name), runs)


def test_a_missed_leak_turns_it_red(planned: PanelPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    missed = CanaryCheck(name="a", what="b", planted="rows", found=None, column=None, caught=False)
    monkeypatch.setattr(panel_door, "run_panel_canaries", lambda *given, **options: (missed,))
    assert audit_panel(planned).green
    assert audit_panel(planned, How(canaries=True)).color == "red"
    kept = planned.audited()
    assert kept is not None
    assert kept.canaries == (missed,)
