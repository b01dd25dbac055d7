from __future__ import annotations

import pytest

from geiger.checks import forecasts, inputs, trading, training
from geiger.checks.base import Case, Check
from geiger.checks.catalogue import CHECKS, ask_all, checks_page
from geiger.checks.collapse import Cause
from geiger.checks.forecasts import DOCTOR
from geiger.records import (
    HealthCode,
    RunLog,
    Status,
)
from helpers.cases import BARE, CODES, both, case, config, notes, warned


def test_a_healthy_run_has_no_findings() -> None:
    assert ask_all(case()) == ()


def test_a_log_that_says_nothing_breaks_no_check() -> None:
    for log in (RunLog(), BARE, RunLog(status=Status.COLLAPSED)):
        ask_all(Case("x", log))


def test_the_gravest_comes_first() -> None:
    found = ask_all(case(both(config(Fill="close", Context="none"), warned("LEAK_SUSPECT"))))
    assert [f.code for f in found] == ["GC401", "GC501", "GC405"]


def test_every_row_of_the_doctor_and_of_the_health_table_has_its_check() -> None:
    assert set(DOCTOR) == set(Cause) - {Cause.HEALTHY}
    quiet = {HealthCode.SHRUNK_OK, HealthCode.NONFINITE}  # the first is fine, the second ends FAILED
    for code in set(HealthCode) - quiet:
        found = ask_all(case(notes(f"Health: {code}: words.")))
        assert any(f.code.startswith("GC20") for f in found), code


def plan_log(std: str, positive: str, status: str) -> RunLog:
    from geiger.runlog.reader import parse_text

    return parse_text(
        "=== TRAINING CONFIG ===\nSymbol: AAPL\nModel: lstm_regressor\nFeatures: 154\n\n"
        "=== FINAL METRICS ===\nDirection Accuracy: 54.2%\n"
        f"Prediction Std: {std}\nPositive %: {positive}\nWFE: 42.3%\nTest Sharpe: 0.87\n\n"
        f"=== STATUS ===\n{status}\n"
    )


@pytest.mark.parametrize(
    ("std", "positive", "status", "codes"),
    [
        ("0.0423", "52.1%", "SUCCESS", ["GC304"]),
        ("0.0001", "52.1%", "COLLAPSED", ["GC105", "GC201", "GC302", "GC304"]),
        ("0.0423", "99.9%", "COLLAPSED", ["GC105", "GC202", "GC304"]),
        ("0.0423", "99.9%", "SUCCESS", ["GC203", "GC304"]),
    ],
)
def test_a_log_with_the_plans_sections_only_is_judged_by_its_figures(
    std: str, positive: str, status: str, codes: list[str]
) -> None:
    found = ask_all(Case("AAPL_lstm_20251229_143022", plan_log(std, positive, status)))
    assert [f.code for f in found] == codes
    lines = {f.code: f.evidence[0].line for f in found}
    assert lines["GC304"] == 10
    assert all(line is not None for line in lines.values())


def test_the_page_lists_every_check() -> None:
    page = checks_page()
    for check in CHECKS:
        assert f"## {check.code} {check.title}\n" in page


def test_codes_never_change() -> None:
    """Programs rely on them: a code may be added here, none may go or change its meaning."""
    assert {code: check.title for code, check in CODES.items()} | KNOWN == {
        code: check.title for code, check in CODES.items()
    }


KNOWN = {
    "GC101": "The run has not ended",
    "GC102": "The run failed",
    "GC103": "Lines that cannot be read",
    "GC106": "Nothing was measured",
    "GC107": "No STATUS",
    "GC108": "The run was stopped",
    "GC201": "Collapsed to a constant",
    "GC202": "One sign by a bias",
    "GC304": "Checkpoint 4: WFE > 50%",
    "GC401": "Too good to be true",
}


def test_no_check_is_written_and_never_asked() -> None:
    written = [
        found
        for module in (training, forecasts, trading, inputs)
        for found in vars(module).values()
        if isinstance(found, Check)
    ]
    assert {found.code for found in written} <= {asked.code for asked in CHECKS}
