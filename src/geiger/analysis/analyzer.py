"""What the logs of a folder mean, and what to do next: deterministic rules, each sentence with its line.

One analysis serves the command line, the MCP server and the report. It never says that something is skill:
that is the verdict's to say, and there is none yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from geiger.analysis.logbook import KnownLog, LogBook, p_of
from geiger.checks.base import Case, Evidence, Finding, Severity, command_name
from geiger.checks.catalogue import ask_all
from geiger.checks.commands import is_act, same
from geiger.checks.result import Result, result_of
from geiger.checks.training import NO_END
from geiger.checks.trends import Brief, find_trends
from geiger.cleaning import clean
from geiger.errors import DataError
from geiger.figures import FigureName
from geiger.records import NOT_EVALUATED, Answer, Figure, Outcome, Status, as_text, p_as_told
from geiger.runlog.verdict import answer_in, effect_text, worth_text
from geiger.runlog.wording import audit_line

SCHEMA = 1
SHOWN_EPOCHS = 200
ASK, DONE = ". Please run", "Backtested already"
ACT, LOOK = "act", "look"
# what must be mended, what is ready, what goes on though nothing was shown, what may be tried
_RANKS = ("FAIL", "READY", "NEXT", "WARN", "NOTE")
UNAUDITED = "GC701"
REPEATS = ("GC101", "GC106", "GC108", "GC609", "GC703")  # findings after which the same run is made again
_EFFICIENCY = 4  # the checkpoint that the plan's example states


@dataclass(frozen=True)
class Sentence:
    """One plain sentence and the lines that it rests on.

    Attributes
    ----------
    about : str
        ``verdict``, ``effect``, ``result``, ``ranks``, ``wfe``, ``money``, ``checkpoints``, ``source`` or
        ``audit``.
    """

    text: str
    evidence: tuple[Evidence, ...]
    about: str = ""


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
    answer : str
        That of the verdict; empty where there is none.
    p, level : float or None
        Of the verdict: the p with all tries counted, where they are known, and below what it must lie.
    figures : dict of str to float
        The final metrics that are defined.
    rests : str
        What the word rests on.
    repeated : str
        A later run of the same symbol, model and recipe: this one asks for nothing then.
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
    answer: str = ""
    p: float | None = None
    level: float | None = None
    figures: dict[str, float] = field(default_factory=dict)
    rests: str = ""
    repeated: str = ""


@dataclass(frozen=True)
class Step:
    """One command to try next, and why: findings by their code, with the places they cite.

    Attributes
    ----------
    kind : str
        ``act`` where it makes something new, ``look`` where it shows what there is.
    """

    command: str
    severity: str
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    runs: int
    kind: str = ACT


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
    repeated = repeated_by(briefs)
    logs = tuple(replace(_analyzed(book, one, briefs), repeated=clean(repeated[one.name])) for one in shown)
    trends = find_trends(briefs, book.places)
    book.mark(shown)
    return Analysis(
        folder=clean(book.folder),
        logs=logs,
        trends=trends,
        steps=next_steps(logs, trends, briefs),
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
    judged = case.log.judged
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
        answer=str(answer_in(case.log.verdict[0]) or ""),
        p=p_of(case),
        level=None if judged is None else judged.level,
        figures={f.name: float(f.value) for f in reversed(case.log.figures) if f.value is not None},
        rests=result.rests if result else "",
    )


def _analyzed(book: LogBook, one: KnownLog, briefs: Sequence[Brief]) -> LogAnalysis:
    brief = one.brief
    if brief.trouble:
        return _unreadable(book, brief.name, brief.trouble)
    traded = [b.name for b in briefs if b.of == brief.name and b.status == Status.SUCCESS]
    trained = next((b.line for b in briefs if brief.of and b.name == brief.of), "")
    try:
        case = replace(book.case(one.name, before=_before(book, brief, briefs)), line=trained)
        return analyze_case(case, backtested=traded[-1] if traded else None)
    except Exception as error:  # it went since it was listed, or says what no check expects: one log only
        return _unreadable(book, one.name, str(error))


def _unreadable(book: LogBook, name: str, why: str) -> LogAnalysis:
    listing = book.places.command("geiger", "logs", "list", logs=True)
    return LogAnalysis(
        clean(name), conclusion=f"cannot be read: {clean(why)}", next=listing, trouble=clean(why)
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
    """Yield what a log says, the answer first: each sentence with its lines."""
    audit, judged = case.log.audit, answer_in(case.log.verdict[0]) is not None
    if audit is not None and not audit.green:  # before any figure, which does not count
        yield Sentence(audit_line(audit), (case.at_audit(),), "audit")
    if judged:
        yield from _verdict(case)
    if result:
        yield _result(case, result)
    yield from _rank_ic(case)
    yield from _efficiency(case)
    yield from _money(case)
    points = case.log.checkpoints
    if points:
        passed = sum(point.outcome is Outcome.PASS for point in points)
        yield Sentence(
            f"Checkpoints: {passed} of {len(points)} passed",
            tuple(case.at(f"CHECKPOINTS/{p.number}", f"{p.name}: {p.outcome}") for p in points),
            "checkpoints",
        )
    if case.log.status is not None and not judged:
        yield from _verdict(case)
    if audit is not None and audit.green:
        yield Sentence(audit_line(audit), (case.at_audit(),), "audit")


def _result(case: Case, result: Result) -> Sentence:
    """Return the sentence of the plan's example: accuracy beside its base rate, spread, and the word."""
    accuracy, k = case.figure(FigureName.DIRECTION_ACCURACY), case.figure(FigureName.PREDICTION_STD)
    base = case.figure(FigureName.BASE_RATE)
    parts: list[tuple[str, Figure]] = []
    if accuracy is not None:
        beside = f" (base rate {as_text(base.value, 'share') if base else 'unknown'})"
        parts.append((f"Direction accuracy {as_text(accuracy.value, 'share')}{beside}", accuracy))
    if k is not None:
        parts.append((f"pred_std {as_text(k.value, 'number')}", k))
    cited = [figure for _, figure in parts] + ([base] if base else []) + list(result.figures)
    return Sentence(
        f"Result: {', '.join(text for text, _ in parts)} - {result.text}",
        tuple(case.at_figure(f.name, as_text(f.value, f.unit)) for f in dict.fromkeys(cited)),
        "result",
    )


def _money(case: Case) -> Iterable[Sentence]:
    """Yield what trading the forecasts earned, beside holding the market."""
    sharpe, held = case.figure(FigureName.SHARPE), case.figure(FigureName.BUY_AND_HOLD_SHARPE)
    if sharpe is None:
        return
    name = "equal weight" if case.is_panel else "buy and hold"
    beside = f", {name} {as_text(held.value, 'ratio')}" if held else ""
    judged = case.log.judged
    worth = "" if judged is None else f"; economic: {worth_text(judged)}"
    yield Sentence(
        f"Sharpe {as_text(sharpe.value, 'ratio')}{beside}{worth}",
        tuple(case.at_figure(f.name, as_text(f.value, f.unit)) for f in (sharpe, held) if f),
        "money",
    )


def _verdict(case: Case) -> Iterable[Sentence]:
    """Yield the answer and the effect, and where it is no signal what the check source says."""
    said, judged = case.log.verdict[0], case.log.judged
    chance = " (no figure here says by itself whether this is skill or luck)" if said == NOT_EVALUATED else ""
    yield Sentence(f"Verdict: {said}{chance}", (case.at("VERDICT/text", said),), "verdict")
    if judged is None:
        return
    yield Sentence(f"Effect: {effect_text(judged)}", (case.at("VERDICT/text", said),), "effect")
    if judged.check is not None and judged.answer is not Answer.SIGNAL:
        text = f"Check source: {judged.check.text()}"
        yield Sentence(text, (case.at("VERDICT/text", said),), "source")


def _rank_ic(case: Case) -> Iterable[Sentence]:
    """Yield how a panel's scores ranked its symbols; nothing for a symbol."""
    found = case.log.cross_section
    if found is None or not found.ics or found.ics[0].mean is None:
        return
    whole = found.ics[0]
    error = "undefined" if whole.error is None else as_text(whole.error, "return")
    text = f"Rank IC {as_text(whole.mean, 'return')} a day, error {error}, over {whole.days} days"
    yield Sentence(text, (case.at(f"CROSS-SECTION/{whole.name}", text),), "ranks")


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
    yield Sentence(f"WFE: {shown} - {word}", (case.at_figure(FigureName.WFE, shown),), "wfe")


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
        codes = ", ".join(f.code for f in grave)
        return f"To mend first: {codes}. {grave[0].title}", grave[0].next
    if case.is_backtest:
        return f"Backtest read{knowing}. The page shows it all", case.commands.report()
    if case.log.status is not Status.SUCCESS:
        return f"ended {case.log.status}", case.remedy()
    answer = answer_in(case.log.verdict[0])
    if answer not in (None, Answer.SIGNAL):
        return f"{_SO[answer]}{knowing}. The page shows why", case.commands.report()
    if backtested:
        traded = replace(case.commands, name=backtested)
        return f"{DONE} in {backtested}{knowing}. The page shows it all", traded.report()
    if not case.can_be_traded:
        text = f"No model of Geiger made it, so that no backtest can trade its forecasts{knowing}{ASK}"
        return text, case.commands.show()
    if result is not None and result.shown:
        return f"Ready for backtest{knowing}{ASK}", case.commands.backtest()
    why = result.rests if result else "no forecasts were measured"
    say = "The backtest puts its trades beside buy and hold"
    return f"Nothing shown so far ({why}){knowing}. {say}{ASK}", case.commands.backtest()


_SO: dict[Answer | None, str] = {
    Answer.NO_SIGNAL: "Nothing to trade was found",
    Answer.CANNOT_TELL: "Not told from luck so far",
    Answer.SIGNAL_IF_IN_TIME: "Nobody has shown that it was made in time",
}
_Reason = tuple[str, str, str, tuple[Evidence, ...]]  # rank, run or pattern, text, evidence


def next_steps(
    logs: Sequence[LogAnalysis], trends: Sequence[Finding], briefs: Sequence[Brief]
) -> tuple[Step, ...]:
    """Rank what to do next: first what makes something new or is ready, then what shows what there is.

    Of each what must be mended comes first, then the next step of runs, then what may be tried; within a
    rank, runs with fewer warnings and commands that answer findings of more runs. A run that was repeated
    since asks for nothing; nor does a finding whose command was typed since. Patterns count in which one of
    the logs takes part.
    """
    repeated = repeated_by(briefs)
    since = _Since(briefs)
    warned: dict[str, int] = {}  # command -> warnings of the run whose next step it is
    found: dict[str, list[_Reason]] = {}

    def ask(command: str, runs: Sequence[str], code: str, reason: _Reason) -> None:
        if not since.was_done(command, runs, repeats=code in REPEATS):
            found.setdefault(command, []).append(reason)

    for log in logs:
        if log.trouble or repeated[log.name]:
            continue
        failed = any(f.severity is Severity.FAIL for f in log.findings)
        if log.status == Status.SUCCESS and not failed:
            reason = f"{log.name}: {log.conclusion.removesuffix(ASK)}"
            ask(log.next, [log.name], "", ("READY" if log.ready else "NEXT", log.name, reason, ()))
            warned[log.next] = sum(f.severity is Severity.WARN for f in log.findings)
        for f in log.findings:
            text = f"{f.code} {f.title} ({log.name})"
            if f.code == UNAUDITED and _rings(log):  # nothing is nearer to an answer
                told = f"{log.name}: rings with p {p_as_told(log.p)}, and is not audited"
                ask(f.next, [log.name], f.code, ("NEXT", log.name, told, f.evidence))
                continue
            ask(f.next, [log.name], f.code, (str(f.severity), log.name, text, f.evidence))
    shown = {log.name for log in logs}
    for f in trends:
        if shown & {*f.runs}:
            ask(f.next, f.runs, f.code, (str(f.severity), f.code, f"{f.code} {f.text}", f.evidence))
    steps = [_step(command, sorted(r, key=lambda r: _RANKS.index(r[0]))) for command, r in found.items()]
    return tuple(
        sorted(
            steps,
            key=lambda s: (
                s.kind != ACT and s.severity != "READY",
                _RANKS.index(s.severity),
                warned.get(s.command, 0),
                -s.runs,
                s.command,
            ),
        )
    )


def _rings(log: LogAnalysis) -> bool:
    return log.p is not None and log.level is not None and log.p < log.level


def _step(command: str, reasons: Sequence[_Reason]) -> Step:
    """Return the step that reasons ask for, gravest first."""
    return Step(
        command,
        reasons[0][0],
        tuple(text for _, _, text, _ in reasons),
        tuple(evidence for *_, cited in reasons for evidence in cited),
        len({run for _, run, _, _ in reasons}),
        ACT if is_act(command) else LOOK,
    )


class _Since:
    """Which commands were typed after which run."""

    def __init__(self, briefs: Sequence[Brief]) -> None:
        self._by_name = {brief.name: brief for brief in briefs}
        self._ended: dict[str, list[Brief]] = {}
        for brief in briefs:
            if brief.status:
                self._ended.setdefault(brief.symbol, []).append(brief)
        self._lines: dict[str, tuple[object, ...]] = {}

    def was_done(self, command: str, runs: Sequence[str], *, repeats: bool) -> bool:
        """Whether this very command was typed on the same prices, or since, and what it makes ended.

        Parameters
        ----------
        repeats : bool
            Whether it is meant to make the same run again: that was done where it ended twice on the same
            prices.
        """
        if not is_act(command):
            return False
        known = [self._trained(self._by_name[run]) for run in runs if run in self._by_name]
        last = max(known, key=lambda brief: brief.began, default=None)
        if last is None:
            return False
        wanted = same(command)
        alike = [b for b in self._ended.get(last.symbol, ()) if self._line(b) == wanted]
        if repeats and last.status:
            return any(b.name != last.name and b.data == last.data for b in alike)
        if repeats:
            return any(b.began > last.began for b in alike)
        return any(b.began >= last.began or b.data == last.data for b in alike)  # it would come out the same

    def _trained(self, brief: Brief) -> Brief:
        """Return the run whose forecasts it has: of a backtest another one."""
        return self._by_name.get(brief.of, brief)

    def _line(self, brief: Brief) -> tuple[object, ...]:
        if brief.line not in self._lines:
            self._lines[brief.line] = same(brief.line)
        return self._lines[brief.line]


def repeated_by(briefs: Sequence[Brief]) -> dict[str, str]:
    """Return the newest run that repeats each run; empty where it is the newest itself.

    A log that names no recipe is another program's: any later run of its symbol and model repeats it.
    """
    in_order = sorted(briefs, key=lambda b: (b.began, b.name))
    newest = {_same(brief): brief.name for brief in in_order}
    of_any = {(brief.symbol, brief.trained): brief.name for brief in in_order if not brief.of}
    last = {
        b.name: newest[_same(b)] if b.recipe else of_any.get((b.symbol, b.trained), b.name) for b in briefs
    }
    return {name: "" if later == name else later for name, later in last.items()}


def _same(brief: Brief) -> tuple[str, ...]:
    """Return what two runs share of which the later repeats the earlier."""
    return brief.symbol, brief.model, brief.trained, brief.recipe


def in_rank(answer: str, p: float | None, figures: Mapping[str, float]) -> tuple[float, ...]:
    """Return what sorts runs: by their answers, then the p of these, then the correlation and the Sharpe."""
    correlation, sharpe = (
        figures.get(name, -math.inf) for name in (FigureName.CORRELATION, FigureName.SHARPE)
    )
    place = _ANSWERS.index(answer) if answer in _ANSWERS else len(_ANSWERS)
    return float(place), math.inf if p is None else p, -correlation, -sharpe


_ANSWERS = [
    str(answer) for answer in (Answer.SIGNAL, Answer.SIGNAL_IF_IN_TIME, Answer.CANNOT_TELL, Answer.NO_SIGNAL)
]


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
        "answer": brief.answer or None,
        "p": brief.p,
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
    return json_able(
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
            "answer": str(answer_in(log.verdict[0]) or "") or None,
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
    facts = asdict(analysis)
    return json_able({"schema": SCHEMA, **facts, "logs": [_answer_first(log) for log in facts["logs"]]})


def log_facts(log: LogAnalysis) -> dict[str, Any]:
    """Return what one log means as JSON-able facts."""
    return json_able({"schema": SCHEMA, **_answer_first(asdict(log))})


def _answer_first(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a log in the order in which they are told."""
    first = ("name", "answer", "p", "level", "symbol", "model", "status", "result", "rests", "sentences")
    return {**{name: facts[name] for name in first}, **facts}


def json_able(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return facts as JSON can hold them."""
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
