"""The words of an analysis: names that fit, findings grouped, reasons before commands."""

from __future__ import annotations

from geiger.analysis.analyzer import Analysis, LogAnalysis, Sentence, Step
from geiger.checks.base import Finding, Severity
from geiger.cli.logs_text import LONGEST_NAME, analysis_lines, answer_lines, short_name, step_lines

NAMES = [f"S{n}_ridge_20251229_14300{n}" for n in range(5)]


def finding(code: str, severity: Severity = Severity.WARN, *runs: str) -> Finding:
    return Finding(code, f"Title of {code}", severity, "text", (), "cause", "geiger doctor", runs)


def analysis(*logs: LogAnalysis, **given: object) -> Analysis:
    facts = {"folder": "logs", "trends": (), "steps": (), "chosen": len(logs), "known": 9, "new": 0, **given}
    return Analysis(logs=logs, **facts)  # type: ignore[arg-type]


def lines_of(*logs: LogAnalysis, **given: object) -> list[str]:
    return list(analysis_lines(analysis(*logs, **given), "geiger logs analyze"))


def test_names_of_runs_fit_their_column() -> None:
    for symbol in ("A", "AAPL", "A_PANEL_WITH_MANY_WORDS_IN_ITS_NAME"):
        name = f"{symbol}_gbm_catboost_20251229_143022"
        assert len(short_name(name)) <= LONGEST_NAME
        assert short_name(name).endswith("20251229_143022")


def test_findings_are_told_once_for_all_logs_that_have_them() -> None:
    logs = [LogAnalysis(name, findings=(finding("GC205"), finding("GC503", Severity.NOTE))) for name in NAMES]
    logs[0] = LogAnalysis(NAMES[0], findings=(finding("GC201", Severity.FAIL), finding("GC205")))
    lines = lines_of(*logs)
    at = lines.index("Findings")
    assert lines[at + 1 : at + 4] == [
        f"  FAIL GC201 Title of GC201: {NAMES[0]}",
        "  WARN GC205 Title of GC205: all 5",
        "  NOTE GC503 Title of GC503: 4 runs",
    ]


def test_a_pattern_is_told_where_one_of_its_runs_is_asked_about() -> None:
    one = LogAnalysis(NAMES[0])
    inside = lines_of(one, trends=(finding("GC608", Severity.WARN, *NAMES[:2]),))
    assert "  WARN GC608 Title of GC608: text" in inside
    two = lines_of(one, LogAnalysis(NAMES[4]), trends=(finding("GC608", Severity.WARN, *NAMES[:3]),))
    assert "  WARN GC608 Title of GC608: S0_ridge, S1_ridge, S2_ridge" in two
    outside = lines_of(one, trends=(finding("GC608", Severity.WARN, *NAMES[1:3]),))
    assert not any("GC608" in line for line in outside)


def test_what_has_no_room_is_counted() -> None:
    many = tuple(finding(f"GC1{n:02d}") for n in range(40))
    lines = lines_of(LogAnalysis(NAMES[0], findings=many))
    shown = sum("Title of" in line for line in lines)
    assert f"  and {40 - shown} more" in lines
    assert len(lines) <= 25


def test_at_most_five_steps_and_no_command_is_broken() -> None:
    path = "a folder " * 20
    steps = tuple(Step(f"geiger train ridge S{n} --data '{path}'", "WARN", ("why",), (), 1) for n in range(9))
    lines = lines_of(*(LogAnalysis(name) for name in NAMES), steps=steps)
    assert sum(f"--data '{path}'" in line for line in lines) in range(1, 6)


def test_a_reason_comes_before_its_command() -> None:
    step = Step("geiger backtest A --run R", "READY", ("R: Ready for backtest", "GC1 x (R)"), (), 1)
    assert list(step_lines(1, step, one=True)) == [
        "  1. Ready for backtest (1 more reason). Please run:",
        "     geiger backtest A --run R",
    ]


def test_what_is_ready_is_told_in_the_plans_words_before_what_may_be_tried() -> None:
    ready = Step("geiger backtest A --run R", "READY", ("R: Ready for backtest",), (), 1, "look")
    tried = Step("geiger train ridge A", "WARN", ("GC1 x (R)",), (), 1)
    lines = lines_of(LogAnalysis(NAMES[0]), steps=(ready, tried))
    at = lines.index("What to do next")
    assert lines[at + 1 : at + 5] == [
        "  1. Ready for backtest. Please run:",
        "     geiger backtest A --run R",
        "  2. GC1 x:",
        "     geiger train ridge A",
    ]
    assert not any(line.startswith(("Nothing more", "To look closer")) for line in lines)


def test_the_answer_stands_before_how_a_training_ended() -> None:
    verdict = Sentence("Verdict: CANNOT TELL: too few days", (), "verdict")
    log = LogAnalysis(
        NAMES[0], "S0", "ridge", "COLLAPSED", (verdict,), answer="CANNOT TELL", conclusion="ended"
    )
    lines = list(answer_lines(log, "logs"))
    assert lines[0] == "S0 ridge: CANNOT TELL: too few days"
    assert lines[1] == f"  Log: logs/{NAMES[0]}.log, COLLAPSED"


def test_a_red_audit_is_said_before_the_answer() -> None:
    red = Sentence("Audit: red, 13 stages", (), "audit")
    verdict = Sentence("Verdict: CANNOT TELL: the audit is red", (), "verdict")
    log = LogAnalysis(NAMES[0], "S0", "ridge", "SUCCESS", (red, verdict), answer="CANNOT TELL")
    assert list(answer_lines(log, "logs"))[:2] == [
        "S0 ridge: Audit: red, 13 stages",
        "  Verdict: CANNOT TELL: the audit is red",
    ]


def test_nothing_to_run_is_said() -> None:
    looks = (Step("geiger report R", "NEXT", ("why",), (), 1, "look"),)
    lines = lines_of(LogAnalysis(NAMES[0]), steps=looks)
    assert "Nothing more to run for this log." in lines
    assert "To look closer: geiger report R" in lines


def test_steps_that_do_the_same_for_other_runs_are_told_once() -> None:
    models = ("xgb", "lgb", "catboost")
    trains = [Step(f"geiger train {m} A --recipe default", "WARN", ("GC1 x (R)",), (), 1) for m in models]
    audits = [Step(f"geiger audit --run {name}", "NOTE", ("GC7 y (R)",), (), 1) for name in NAMES]
    lines = lines_of(*(LogAnalysis(name, p=0.5) for name in NAMES), steps=(*trains, *audits))
    at = lines.index("What to do next")
    assert lines[at + 1 : at + 6] == [
        "  1. GC1 x (2 like it for other runs):",
        "     geiger train xgb A --recipe default",
        "  2. GC7 y (4 like it for other runs):",
        f"     geiger audit --run {NAMES[0]}",
        "Each further training on these days is one more try, and raises the bar.",
    ]


def test_codes_give_way_to_the_words_of_a_step() -> None:
    said = (
        "STRONG_gbm_catboost_20251229_143000: Ready for backtest, knowing GC303, GC304, GC501, GC502, GC608"
    )
    step = Step("geiger backtest A --run R", "READY", (said, "GC1 x (R)"), (), 1)
    for others, beside in ((0, " (1 more reason)"), (2, "")):
        first = next(step_lines(1, step, others=others))
        assert first == f"  1. STRONG_gbm_catboost: Ready for backtest{beside}. Please run:"
        assert len(first) <= 80


def test_what_showed_nothing_is_not_counted_among_what_is_ready() -> None:
    name, other = "A_gbm_xgb_20251229_143000", "B_gbm_xgb_20251229_143000"
    ready = Step("geiger backtest A --model xgb", "READY", (f"{name}: Ready for backtest",), (), 1)
    why = "Nothing shown so far (WFE 20.1%, and the plan asks for above 50%). The backtest puts its trades"
    nothing = Step("geiger backtest A --model xgb --start 2010", "NEXT", (f"{other}: {why}",), (), 1)
    bare = Step("geiger backtest B --model xgb", "NEXT", (f"{other}: {why}",), (), 1)
    for second in (nothing, bare):
        lines = lines_of(LogAnalysis(name), LogAnalysis(other), steps=(ready, second))
        assert "  1. A_gbm_xgb: Ready for backtest. Please run:" in lines, "and none like it"
        assert "  2. B_gbm_xgb: Nothing shown so far. Please run:" in lines
        assert f"     {second.command}" in lines


def test_an_alarm_comes_before_any_answer_and_behind_it_in_the_table() -> None:
    leak = LogAnalysis(
        NAMES[0],
        "S0",
        "ridge",
        "SUCCESS",
        findings=(finding("GC401", Severity.FAIL),),
        answer="SIGNAL",
        p=0.001,
    )
    plain = LogAnalysis(NAMES[1], "S1", "ridge", "SUCCESS", answer="NO SIGNAL", p=0.5)
    lines = lines_of(leak, plain)
    assert lines[0] == "2 logs in logs: 1 NO SIGNAL, 1 LEAK SUSPECT"
    rows = [line.split()[0] for line in lines if line.startswith("S")]
    assert rows == [NAMES[1], NAMES[0]]


def test_a_run_that_was_repeated_says_by_which() -> None:
    lines = lines_of(LogAnalysis(NAMES[0], repeated=NAMES[1]))
    assert f"It was repeated since, in {NAMES[1]}." in lines


def test_a_log_that_cannot_be_read_is_told_by_that_alone() -> None:
    lines = lines_of(LogAnalysis(NAMES[0], trouble="it is empty", conclusion="cannot be read: it is empty"))
    assert lines == [f"Analyzing logs/{NAMES[0]}.log ...", "  cannot be read: it is empty"]
