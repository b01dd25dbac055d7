"""What the logs of a folder mean, and what to do next: deterministic rules, each sentence with its line.

One analysis serves the command line, the MCP server and the report. It never says that something is skill:
that is the verdict's to say, and there is none yet.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from geiger.analysis.logbook import KnownLog, LogBook
from geiger.checks.base import Case, Evidence, Finding, Severity, command_name
from geiger.checks.catalogue import ask_all
from geiger.checks.comparing import CONDITIONS, NO_EVIDENCE, cautions
from geiger.checks.result import Result, result_of
from geiger.checks.training import NO_END
from geiger.checks.trends import Brief, find_trends
from geiger.cleaning import clean
from geiger.errors import DataError, SettingError
from geiger.figures import FigureName
from geiger.records import NOT_EVALUATED, Answer, Figure, Outcome, Status, as_text
from geiger.runlog.verdict import answer_in
from geiger.runlog.wording import audit_line

SCHEMA = 1
MOST_COMPARED = 10
SHOWN_EPOCHS = 200
ASK, DONE = ". Please run", "Backtested already"
# what must be mended, what is ready, what goes on though nothing was shown, what may be tried
_RANKS = ("FAIL", "READY", "NEXT", "WARN", "NOTE")
RANK_IC = "Rank IC a day"
_EFFICIENCY = 4  # the checkpoint that the plan's example states


@dataclass(frozen=True)
class Sentence:
    """One plain sentence and the lines that it rests on."""

    text: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class LogAnalysis:
    """What one log means.

    Attributes
    ----------
    model : str
        As in the log's name.
    sentences : tuple of Sentence
        The result in the plan's words.
    result : str
        The word for what it came to (`geiger.checks.result`); empty where nothing was measured.
    ready : bool
        Whether nothing must be mended first, and something was shown.
    conclusion, next : str
        What that means, and the command to type.
    trouble : str
        Why the log cannot be read; empty where it can.
    """

    name: str
    symbol: str = ""
    model: str = ""
    status: str = ""
    sentences: tuple[Sentence, ...] = ()
    findings: tuple[Finding, ...] = ()
    result: str = ""
    ready: bool = False
    conclusion: str = ""
    next: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class Step:
    """One command to try next, and why: findings by their code, with the places they cite."""

    command: str
    severity: str
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    runs: int


@dataclass(frozen=True)
class Analysis:
    """What several logs mean."""

    folder: str
    logs: tuple[LogAnalysis, ...]
    trends: tuple[Finding, ...]
    steps: tuple[Step, ...]
    chosen: int  # logs that were asked for, of which `logs` are the newest
    known: int  # logs in the folder
    new: int  # logs that were not analyzed before


def analyze(
    book: LogBook,
    names: Sequence[str] = (),
    *,
    everything: bool = False,
    limit: int | None = None,
    on_read: Callable[[str], None] = lambda name: None,
) -> Analysis:
    """Analyze the logs named, or those that are new, or everything; patterns are sought in all of them.

    What was analyzed in full is no longer new, where the book keeps an index; a run that has not ended
    stays new.

    Parameters
    ----------
    names : sequence of str
        Stems, file names or paths; empty for the new ones.
    everything : bool
        All logs, new or not.
    limit : int, optional
        At most so many in full, the newest; the others count in the patterns only.
    on_read : callable
        Told of each log that is read for the index.

    Raises
    ------
    DataError
        The folder cannot be listed, or a log that is named is not there.
    """
    known = book.logs(on_read)
    by_name = {one.name: one for one in known}
    if names:
        chosen = [by_name[book.path(name).stem] for name in names]
    else:
        chosen = [one for one in known if everything or not one.analyzed]
    briefs = [one.brief for one in known]
    shown = _in_order(chosen)[-limit:] if limit else _in_order(chosen)
    logs = tuple(_analyzed(book, one, briefs) for one in shown)
    trends = find_trends(briefs)
    book.mark(shown)
    return Analysis(
        folder=clean(book.folder),
        logs=logs,
        trends=trends,
        steps=_steps(logs, trends, briefs),
        chosen=len(chosen),
        known=len(known),
        new=sum(not one.analyzed for one in known),
    )


def case_of(log: Path | str) -> Case:
    """Return one log as its checks see it; nothing is remembered."""
    path = Path(log)
    return LogBook(path.parent, keep=False).case(path.stem)


def analyze_case(case: Case, *, backtested: str | None = None) -> LogAnalysis:
    """Return what one run means.

    Parameters
    ----------
    backtested : str, optional
        A backtest of its forecasts that exists already.
    """
    findings = ask_all(case)
    result = result_of(case, findings)
    conclusion, command = _conclusion(case, findings, result, backtested)
    return LogAnalysis(
        name=case.name,
        symbol=case.symbol,
        model=case.kind,
        status=str(case.log.status or ""),
        sentences=tuple(_sentences(case, result)),
        findings=findings,
        result=str(result.word) if result else "",
        ready=result is not None and result.shown and case.can_be_traded and _goes_on(case, findings),
        conclusion=conclusion,
        next=command,
    )


def _analyzed(book: LogBook, one: KnownLog, briefs: Sequence[Brief]) -> LogAnalysis:
    brief = one.brief
    if brief.trouble:
        return LogAnalysis(
            clean(brief.name),
            conclusion=f"cannot be read: {brief.trouble}",
            next="geiger logs list",
            trouble=brief.trouble,
        )
    traded = [b.name for b in briefs if b.of == brief.name and b.status == Status.SUCCESS]
    try:
        case = book.case(one.name, before=_before(book, brief, briefs))
        return analyze_case(case, backtested=traded[-1] if traded else None)
    except Exception as error:  # it went since it was listed, or says what no check expects: one log only
        text = clean(error)
        return LogAnalysis(
            clean(one.name), conclusion=f"cannot be read: {text}", next="geiger logs list", trouble=text
        )


def _before(book: LogBook, brief: Brief, briefs: Sequence[Brief]) -> Case | None:
    """Return the finished run of the same symbol, kind and model before this one."""
    earlier = [
        b
        for b in briefs
        if (b.symbol, b.model, b.trained) == (brief.symbol, brief.model, brief.trained)
        and b.status
        and b.began
        and b.began < brief.began
    ]
    if not earlier or not brief.began:
        return None
    try:
        return book.case(max(earlier, key=lambda b: b.began).name)
    except (DataError, OSError):
        return None


def _goes_on(case: Case, findings: Sequence[Finding]) -> bool:
    """Whether the run ended well and nothing must be mended before the next step."""
    return case.log.status is Status.SUCCESS and all(f.severity is not Severity.FAIL for f in findings)


def _sentences(case: Case, result: Result | None) -> Iterable[Sentence]:
    """Yield the result in the words of the plan's example, each with its lines."""
    audit = case.log.audit
    if audit is not None and not audit.green:  # before any figure, which does not count
        yield Sentence(audit_line(audit), (case.at_audit(),))
    if answer_in(case.log.verdict[0]) is not None:  # the answer comes before the figures
        yield from _verdict(case)
    accuracy, k = case.figure(FigureName.DIRECTION_ACCURACY), case.figure(FigureName.PREDICTION_STD)
    base = case.figure(FigureName.BASE_RATE)
    parts: list[tuple[str, Figure]] = []
    if accuracy is not None:
        beside = f" (base rate {as_text(base.value, 'share') if base else 'unknown'})"
        parts.append((f"Direction accuracy {as_text(accuracy.value, 'share')}{beside}", accuracy))
    if k is not None:
        parts.append((f"pred_std {as_text(k.value, 'number')}", k))
    if result:
        cited = [figure for _, figure in parts] + ([base] if base else []) + list(result.figures)
        yield Sentence(
            f"Result: {', '.join(text for text, _ in parts)} - {result.text}",
            tuple(case.at_figure(f.name, as_text(f.value, f.unit)) for f in cited),
        )
    yield from _rank_ic(case)
    yield from _efficiency(case)
    sharpe, held = case.figure(FigureName.SHARPE), case.figure(FigureName.BUY_AND_HOLD_SHARPE)
    if sharpe is not None:
        beside = f", buy and hold {as_text(held.value, 'ratio')}" if held else ""
        yield Sentence(
            f"Sharpe {as_text(sharpe.value, 'ratio')}{beside}",
            tuple(case.at_figure(f.name, as_text(f.value, f.unit)) for f in (sharpe, held) if f),
        )
    points = case.log.checkpoints
    if points:
        passed = sum(point.outcome is Outcome.PASS for point in points)
        yield Sentence(
            f"Checkpoints: {passed} of {len(points)} passed",
            tuple(case.at(f"CHECKPOINTS/{p.number}", f"{p.name}: {p.outcome}") for p in points),
        )
    if case.log.status is not None and answer_in(case.log.verdict[0]) is None:
        yield from _verdict(case)
    if audit is not None and audit.green:
        yield Sentence(audit_line(audit), (case.at_audit(),))


def _verdict(case: Case) -> Iterable[Sentence]:
    """Yield the answer, and under one that is no signal what the check source says of the pipeline."""
    said = case.log.verdict[0]
    chance = " (no figure here says by itself whether this is skill or luck)" if said == NOT_EVALUATED else ""
    yield Sentence(f"Verdict: {said}{chance}", (case.at("VERDICT/text", said),))
    judged = case.log.judged
    if judged is not None and judged.check is not None and judged.answer is not Answer.SIGNAL:
        yield Sentence(f"Check source: {judged.check.text()}", (case.at("VERDICT/text", said),))


def _rank_ic(case: Case) -> Iterable[Sentence]:
    """Yield how a panel's scores ranked its symbols; nothing for a symbol."""
    found = case.log.cross_section
    if found is None or not found.ics or found.ics[0].mean is None:
        return
    whole = found.ics[0]
    error = "undefined" if whole.error is None else as_text(whole.error, "return")
    text = f"Rank IC {as_text(whole.mean, 'return')} a day, error {error}, over {whole.days} days"
    yield Sentence(text, (case.at(f"CROSS-SECTION/{whole.name}", text),))


def _efficiency(case: Case) -> Iterable[Sentence]:
    wfe = next((figure for figure in case.log.figures if figure.name == FigureName.WFE), None)
    if wfe is None:
        return
    point = next((p for p in case.log.checkpoints if p.number == _EFFICIENCY), None)
    passed = point.outcome is Outcome.PASS if point else wfe.value is not None and wfe.value > 0.5
    word = (
        "PASS"
        if passed
        else "NOT APPLICABLE"
        if point and point.outcome is Outcome.NOT_APPLICABLE
        else "FAIL"
    )
    shown = as_text(wfe.value, "share")
    yield Sentence(f"WFE: {shown} - {word}", (case.at_figure(FigureName.WFE, shown),))


def _conclusion(
    case: Case, findings: Sequence[Finding], result: Result | None, backtested: str | None
) -> tuple[str, str]:
    """Return what the findings and the result mean, and the command to type."""
    if case.log.status is None:
        found = next(f for f in findings if f.code in NO_END)
        return found.text, found.next
    grave = [f for f in findings if f.severity is Severity.FAIL]
    warned = [f for f in findings if f.severity is Severity.WARN]
    knowing = f", knowing {', '.join(f.code for f in warned)}" if warned else ""
    if grave:
        first = grave[0]
        after = "report" if case.is_backtest else "backtest"
        codes = ", ".join(f.code for f in grave)
        return f"Not ready for a {after}: {codes}. {first.title}: mend it first", first.next
    if case.is_backtest:
        return f"Backtest read{knowing}. The page shows it all", f"geiger report {shlex.quote(case.name)}"
    if case.log.status is not Status.SUCCESS:
        return f"ended {case.log.status}", case.remedy()
    if backtested:
        text = f"{DONE} in {backtested}{knowing}{ASK}"
        return text, f"geiger logs analyze {shlex.quote(backtested)}"
    if not case.can_be_traded:
        text = f"No model of Geiger made it, so that no backtest can trade its forecasts{knowing}{ASK}"
        return text, f"geiger logs show {shlex.quote(case.name)}"
    if result is not None and result.shown:
        return f"Ready for backtest{knowing}{ASK}", case.backtest()
    why = result.rests if result else "no forecasts were measured"
    say = "The backtest puts its trades beside buy and hold"
    return f"Nothing shown so far ({why}){knowing}. {say}{ASK}", case.backtest()


def _steps(
    logs: Sequence[LogAnalysis], trends: Sequence[Finding], briefs: Sequence[Brief]
) -> tuple[Step, ...]:
    """Rank what to try next: what must be mended, then the next step of runs, then what may be tried.

    Within a rank, runs with fewer warnings and commands that answer findings of more runs come first. A run
    that was repeated since asks for nothing.
    """
    newest: dict[tuple[str, ...], str] = {}
    warned: dict[str, int] = {}  # command -> warnings of the run whose next step it is
    for brief in sorted(briefs, key=lambda b: (b.began, b.name)):
        newest[_same(brief)] = brief.name
    same = {brief.name: _same(brief) for brief in briefs}
    found: dict[str, list[tuple[str, str, str, tuple[Evidence, ...]]]] = {}
    for log in logs:
        if log.trouble or newest[same[log.name]] != log.name:
            continue
        failed = any(f.severity is Severity.FAIL for f in log.findings)
        if log.status == Status.SUCCESS and not failed and not log.conclusion.startswith(DONE):
            reason = f"{log.name}: {log.conclusion.removesuffix(ASK)}"
            rank = "READY" if log.ready else "NEXT"
            found.setdefault(log.next, []).append((rank, log.name, reason, ()))
            warned[log.next] = sum(f.severity is Severity.WARN for f in log.findings)
        for f in log.findings:
            reason = f"{f.code} {f.title} ({log.name})"
            found.setdefault(f.next, []).append((str(f.severity), log.name, reason, f.evidence))
    for f in trends:
        found.setdefault(f.next, []).append((str(f.severity), f.code, f"{f.code} {f.text}", f.evidence))

    ranked = sorted(
        found.items(),
        key=lambda item: (
            min(_RANKS.index(r[0]) for r in item[1]),
            warned.get(item[0], 0),
            -len({r[1] for r in item[1]}),
            item[0],
        ),
    )
    return tuple(
        _step(command, sorted(reasons, key=lambda r: _RANKS.index(r[0]))) for command, reasons in ranked
    )


def _step(command: str, reasons: Sequence[tuple[str, str, str, tuple[Evidence, ...]]]) -> Step:
    """Return the step that reasons ask for, gravest first: rank, run or pattern, text, evidence."""
    return Step(
        command,
        reasons[0][0],
        tuple(text for _, _, text, _ in reasons),
        tuple(evidence for *_, cited in reasons for evidence in cited),
        len({run for _, run, _, _ in reasons}),
    )


def _same(brief: Brief) -> tuple[str, ...]:
    """Return what two runs share of which the later repeats the earlier."""
    return brief.symbol, brief.model, brief.trained, brief.recipe


def _in_order(known: Iterable[KnownLog]) -> list[KnownLog]:
    return sorted(known, key=lambda one: (one.brief.began, one.name))


# JSON-able facts: the schema is documented in docs/log-analyzer.md


def list_facts(
    book: LogBook,
    *,
    symbol: str | None = None,
    model: str | None = None,
    status: str | None = None,
    new: bool = False,
    on_read: Callable[[str], None] = lambda name: None,
) -> list[dict[str, Any]]:
    """Return every log in short, the newest first, as far as the filters let them."""
    known = reversed(_in_order(book.logs(on_read)))
    return [
        _brief_facts(one)
        for one in known
        if (symbol is None or one.brief.symbol == symbol)
        and (model is None or command_name(one.brief.model) == command_name(model))
        and (status is None or one.brief.status == ("" if status.upper() == "NONE" else status.upper()))
        and not (new and one.analyzed)
    ]


def _brief_facts(one: KnownLog) -> dict[str, Any]:
    brief = one.brief
    codes: dict[str, list[str]] = {severity: [] for severity in ("FAIL", "WARN", "NOTE")}
    for code, severity in brief.findings.items():
        codes.setdefault(severity, []).append(code)
    return {
        "name": clean(brief.name),
        "symbol": brief.symbol,
        "model": brief.model,
        "began": brief.began,
        "status": brief.status or None,
        "recipe": brief.recipe,
        "new": not one.analyzed,
        "result": brief.result or None,
        "figures": brief.figures,
        "findings": codes,
        "trouble": brief.trouble or None,
    }


def show_facts(book: LogBook, name: str) -> dict[str, Any]:
    """Return everything one log says, with the lines of its facts; at most 200 epochs of the shown member."""
    case = book.case(name)
    log = case.log
    epochs = log.epochs[-SHOWN_EPOCHS:]
    return _facts(
        {
            "schema": SCHEMA,
            "name": case.name,
            "symbol": case.symbol,
            "model": case.kind,
            "began": case.began.isoformat() if case.began else None,
            "status": log.status,
            "format": log.schema,
            "settings": dict(log.config),
            "figures": [asdict(figure) for figure in log.figures],
            "checkpoints": [asdict(point) for point in log.checkpoints],
            "scores": [asdict(score) for score in log.scorecard.scores],
            "ladder": [asdict(rung) for rung in log.scorecard.rungs],
            "years": [asdict(year) for year in log.scorecard.years],
            "folds": [asdict(fold) for fold in log.scorecard.folds],
            "notes": list(log.scorecard.notes),
            "cross_section": None if log.cross_section is None else asdict(log.cross_section),
            "verdict": list(log.verdict),
            "judged": None if log.judged is None else asdict(log.judged),
            "audit": None if log.audit is None else asdict(log.audit),
            "warnings": [asdict(notice) for notice in log.warnings],
            "epochs": [asdict(epoch) for epoch in epochs],
            "epochs_in_all": len(log.epochs),
            "lines": dict(log.lines),
            "unread": list(log.unread),
        }
    )


def analysis_facts(analysis: Analysis) -> dict[str, Any]:
    """Return an analysis as JSON-able facts."""
    return _facts({"schema": SCHEMA, **asdict(analysis)})


def log_facts(log: LogAnalysis) -> dict[str, Any]:
    """Return what one log means as JSON-able facts."""
    return _facts({"schema": SCHEMA, **asdict(log)})


def compare_facts(book: LogBook, names: Sequence[str]) -> dict[str, Any]:
    """Put logs side by side: figures, settings that differ, findings of each, and what forbids comparing.

    Raises
    ------
    SettingError
        Fewer than two logs, or more than ten.
    """
    unique = list(dict.fromkeys(book.path(name).stem for name in names))
    if not 2 <= len(unique) <= MOST_COMPARED:
        raise SettingError(f"compare: give 2 to {MOST_COMPARED} different logs, got {len(unique)}")
    cases = [book.case(name) for name in unique]
    found = {case.name: ask_all(case) for case in cases}
    results = {case.name: result_of(case, found[case.name]) for case in cases}
    settings = list(dict.fromkeys(name for case in cases for name in case.config))
    differing = {
        name: {case.name: case.config.get(name) for case in cases}
        for name in settings
        if len({case.config.get(name) for case in cases}) > 1
    }
    figures = list(dict.fromkeys(figure.name for case in cases for figure in _figures(case)))
    return _facts(
        {
            "schema": SCHEMA,
            "runs": [
                {
                    "name": c.name,
                    "symbol": c.symbol,
                    "model": c.kind,
                    "status": c.log.status,
                    "result": result.word if (result := results[c.name]) else None,
                }
                for c in cases
            ],
            "figures": [_compared(name, cases) for name in figures],
            "settings": differing,
            "findings": {
                name: [{"code": f.code, "severity": f.severity, "title": f.title} for f in findings]
                for name, findings in found.items()
            },
            "cautions": list(_cautions(cases)),
        }
    )


def _compared(name: str, cases: Sequence[Case]) -> dict[str, Any]:
    figures = [next((f for f in _figures(case) if f.name == name), None) for case in cases]
    known = [f for f in figures if f is not None]
    values = {c.name: None if f is None else f.value for c, f in zip(cases, figures, strict=True)}
    better = next((f.better for f in known if f.better != "neither"), "neither")
    defined = {run: value for run, value in values.items() if value is not None}
    best = None
    if better != "neither" and len(set(defined.values())) > 1:
        best = (max if better == "higher" else min)(defined, key=lambda run: defined[run])
    return {
        "name": name,
        "unit": known[0].unit,
        "better": better,
        "values": values,
        "lines": {case.name: case.log.lines.get(_place(case, name)) for case in cases},
        "best": best,
    }


def _figures(case: Case) -> tuple[Figure, ...]:
    """Return the final metrics, and of a panel how its scores ranked the symbols."""
    found = case.log.cross_section
    if found is None or not found.ics:
        return case.log.figures
    return (*case.log.figures, Figure(RANK_IC, found.ics[0].mean, "return", "higher", found.ics[0].days))


def _place(case: Case, name: str) -> str:
    found = case.log.cross_section
    of_ranks = name == RANK_IC and found is not None and found.ics
    return f"CROSS-SECTION/{found.ics[0].name}" if found and of_ranks else f"FINAL METRICS/{name}"


def _cautions(cases: Sequence[Case]) -> Iterable[str]:
    """Say what stands in the way of reading the figures side by side."""
    yield from cautions(
        {name for name in CONDITIONS if len({case.config[name] for case in cases if name in case.config}) > 1}
    )
    for case in cases:
        if case.log.status is None:
            yield f"{case.name} has no STATUS"
    yield NO_EVIDENCE


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _finite(value) for name, value in facts.items()}


def _finite(value: Any) -> Any:
    """Return JSON-able facts: numbers that are not finite become None, enumerations their text."""
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return str(value) if isinstance(value, str) else value
