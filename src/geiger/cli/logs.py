"""``geiger logs``: which logs there are, what they say, what that means, and what to do next."""

from __future__ import annotations

import argparse
import json
import shlex
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from geiger.analysis import analyzer
from geiger.analysis.analyzer import Analysis, LogAnalysis, Step, analyze_case
from geiger.analysis.logbook import LogBook
from geiger.checks.base import Evidence, Finding
from geiger.cleaning import clean
from geiger.cli.complaint import complain
from geiger.cli.terminal import counted, print_json, progress, table, wrapped
from geiger.codec import fitted
from geiger.cross_section import CrossSection
from geiger.errors import DataError, SettingError
from geiger.figures import PLAN_FIGURES, FigureName
from geiger.records import AuditSummary, Unit, as_text
from geiger.runlog.cross_section import cross_section_lines
from geiger.runlog.wording import audit_line

INDENT = 7 * " "
MOST_CITED = 6  # places of one finding
MOST_STEPS = 5
FIGURES = (FigureName.DIRECTION_ACCURACY, FigureName.PREDICTION_STD, FigureName.WFE, FigureName.SHARPE)
POLL = 0.25  # seconds between two looks at the folder
STOPPED = "GC108"
TAIL = 1024  # bytes at the end of a log that hold its status, whatever a logger puts before each line
SHORT = {
    FigureName.DIRECTION_ACCURACY: "accuracy",
    FigureName.PREDICTION_STD: "pred_std",
    FigureName.SHARPE: "Sharpe",
}


def list_logs(args: argparse.Namespace) -> int:
    """Print every log in short, the newest first."""
    book = LogBook(args.log_dir)
    found = _reading(
        book,
        args,
        lambda on_read: analyzer.list_facts(
            book, symbol=args.symbol, model=args.model, status=args.status, new=args.new, on_read=on_read
        ),
    )
    shown = found if args.all else found[: args.limit]
    if args.json:
        print_json({"schema": analyzer.SCHEMA, "total": len(found), "logs": shown})
        return 0
    if not found:
        print(f"no logs in {clean(args.log_dir)} that match; `geiger train` writes one for each run")
        return 0
    rows = [("log", "status", "result", *(SHORT.get(name, name) for name in FIGURES), "findings", "")]
    rows += [_row(facts) for facts in shown]
    print(table(rows))
    for facts in shown:
        if facts["trouble"]:
            print(f"{facts['name']}: {facts['trouble']}")
    if len(shown) < len(found):
        print(f"{len(found) - len(shown)} older ones not shown; --all shows them")
    return 0


def _row(facts: dict[str, Any]) -> tuple[str, ...]:
    units: dict[str, Unit] = dict(PLAN_FIGURES)
    figures = (
        as_text(facts["figures"][name], units[name]) if name in facts["figures"] else "-" for name in FIGURES
    )
    codes = facts["findings"]
    counts = ", ".join(f"{len(codes[s])} {s}" for s in ("FAIL", "WARN") if codes[s]) or "-"
    ended = "stopped" if STOPPED in codes["WARN"] else "no STATUS"
    status = "cannot be read" if facts["trouble"] else facts["status"] or ended
    word = facts["result"] or "-"
    return (facts["name"], status, word, *figures, counts, "new" if facts["new"] else "")


def show_log(args: argparse.Namespace) -> int:
    """Print what one log says, with the lines of its figures."""
    facts = analyzer.show_facts(LogBook(args.log_dir), args.log)
    if args.json:
        print_json(facts)
        return 0
    print(f"{facts['name']}: {facts['status'] or 'no STATUS'}")
    lines = facts["lines"]
    print("\nSettings")
    print(table([(f"{name}:", value) for name, value in facts["settings"].items()] or [("none", "")], "  "))
    print(f"\nEpochs: {facts['epochs_in_all']}")
    for epoch in facts["epochs"][-3:]:
        print(f"  fold {epoch['fold']}, seed {epoch['seed']}, epoch {epoch['epoch']}: {_epoch_text(epoch)}")
    rows = [
        (f["name"], as_text(f["value"], f["unit"]), _line(lines.get(f"FINAL METRICS/{f['name']}")))
        for f in facts["figures"]
    ]
    print("\nFigures")
    print(table(rows or [("none", "", "")], "  "))
    print("\nCheckpoints" + ("" if facts["checkpoints"] else ": none"))
    for point in facts["checkpoints"]:
        print(f"  {point['number']}. {point['name']}: {point['outcome']} ({point['found']})")
    if facts["cross_section"] is not None:
        print("\nCross-section")
        found = fitted(facts["cross_section"], CrossSection)
        print("\n".join(f"  {line}" for line in cross_section_lines(found)))
    print("\n".join(["", f"Verdict: {facts['verdict'][0]}", *(f"  {line}" for line in facts["verdict"][1:])]))
    print("\n".join(_audit_lines(facts["audit"])))
    print("\nWarnings" + ("" if facts["warnings"] else ": none"))
    for notice in facts["warnings"]:
        print(f"  {notice['code']}: {notice['text']}")
    if facts["unread"]:
        print(f"\n{counted(len(facts['unread']), 'line')} not understood: {_listed(facts['unread'])}")
    print(f"\nWhat it means: geiger logs analyze {shlex.quote(facts['name'])}")
    return 0


def _audit_lines(facts: dict[str, Any] | None) -> Iterator[str]:
    """Yield what an audit came to, and where it is red why and what to do."""
    audit = None if facts is None else fitted(facts, AuditSummary)
    yield audit_line(audit)
    if audit is not None and audit.mend is not None:
        yield f"  Likely cause: {audit.cause}"
        yield f"  Mend: {audit.mend}"


def _epoch_text(epoch: dict[str, Any]) -> str:
    names = ("loss", "val_loss", "pred_std")
    return ", ".join(f"{name} {as_text(epoch[name], 'number')}" for name in names)


def _line(number: int | None) -> str:
    return "" if number is None else f"line {number}"


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:8])
    return f"{shown}, …" if len(numbers) > 8 else shown


def analyze_logs(args: argparse.Namespace) -> int:
    """Say what the new logs mean, or those named, and what to do next."""
    if args.limit < 1:
        raise SettingError(f"--limit must be at least 1, got {args.limit}")
    book = LogBook(args.log_dir)
    analysis = _reading(
        book,
        args,
        lambda on_read: analyzer.analyze(
            book, args.logs, everything=args.all, limit=args.limit, on_read=on_read
        ),
    )
    if args.json:
        print_json(analyzer.analysis_facts(analysis))
        return 0
    print("\n".join(analysis_lines(analysis)))
    return 0


def analysis_lines(analysis: Analysis) -> Iterator[str]:
    """Yield an analysis for people: the logs, the patterns, and what to try next."""
    logs = analysis.logs
    if not analysis.known:
        yield f"no logs in {analysis.folder}; `geiger train` writes one for each run"
        return
    if not logs:
        yield f"No new logs among {analysis.known} in {analysis.folder}; --all analyzes them again."
    for log in logs:
        yield from log_lines(log, analysis.folder)
        yield ""
    if analysis.chosen > len(logs):
        yield f"{analysis.chosen - len(logs)} earlier ones count in the patterns only; --limit shows more.\n"
    if analysis.trends:
        yield f"Patterns in {counted(analysis.known, 'log')}"
        for finding in analysis.trends:
            yield from finding_lines(finding)
        yield ""
    if analysis.steps:
        yield "What to try next"
        for number, step in enumerate(analysis.steps[:MOST_STEPS], start=1):
            yield from step_lines(number, step)


def log_lines(log: LogAnalysis, folder: str) -> Iterator[str]:
    """Yield what one log means, each sentence with its line."""
    yield f"Analyzing {folder}/{log.name}.log ..."
    if log.trouble:
        yield f"  {log.conclusion}"
        return
    for sentence in log.sentences:
        yield f"  {sentence.text} {_places(sentence.evidence, log.name)}".rstrip()
    for finding in log.findings:
        yield from finding_lines(finding, log.name)
    whole = log.conclusion.replace("Please run", "Please\N{NO-BREAK SPACE}run")
    yield from (line.replace("\N{NO-BREAK SPACE}", " ") for line in wrapped(f"{whole}:", "  "))
    yield f"    {log.next}"


def finding_lines(finding: Finding, log: str = "") -> Iterator[str]:
    """Yield one finding: what, where, why, and the command; lines of `log` are cited by number alone."""
    yield f"  {finding.severity:4} {finding.code} {finding.title}"
    yield from wrapped(f"{finding.text} {_places(finding.evidence, log)}".strip(), INDENT)
    yield from wrapped(f"Likely: {finding.cause}", INDENT)
    yield f"{INDENT}Next: {finding.next}"


def step_lines(number: int, step: Step) -> Iterator[str]:
    """Yield one step: the command, and the findings behind it."""
    yield f"  {number}. {step.command}"
    more = f"; and {len(step.reasons) - 3} more" if len(step.reasons) > 3 else ""
    yield from wrapped(f"{step.severity}: {'; '.join(step.reasons[:3])}{more}", "     ")


def _places(evidence: Sequence[Evidence], log: str = "") -> str:
    """Return where evidence stands: ``[line 61; .jsonl lines 37, 42; OTHER.log:12]``."""
    known = [e for e in evidence[:MOST_CITED] if e.line is not None]
    parts = []
    for suffix, word in ((".log", ""), (".jsonl", ".jsonl ")):
        numbers = [str(e.line) for e in known if log and e.file == f"{log}{suffix}"]
        if numbers:
            parts.append(f"{word}{'line' if len(numbers) == 1 else 'lines'} {', '.join(numbers)}")
    parts += [e.place for e in known if not log or not e.file.startswith(f"{log}.")]
    return f"[{'; '.join(parts)}]" if parts else ""


def compare_logs(args: argparse.Namespace) -> int:
    """Put logs side by side."""
    facts = analyzer.compare_facts(LogBook(args.log_dir), args.logs)
    if args.json:
        print_json(facts)
        return 0
    names = [run["name"] for run in facts["runs"]]
    for letter, run in zip(_letters(names), facts["runs"], strict=True):
        word = f", {run['result']}" if run["result"] else ""
        print(f"{letter}  {run['name']}: {run['status'] or 'no STATUS'}{word}")
    print()
    print(table([("figure", *_letters(names), "better"), *_figure_rows(facts, names)]))
    if facts["settings"]:
        print("\nSettings that differ")
        rows = [
            (name, *(clean(values[run] or "-")[:40] for run in names))
            for name, values in facts["settings"].items()
        ]
        print(table([("setting", *_letters(names)), *rows], "  "))
    print("\nFindings")
    for letter, run in zip(_letters(names), names, strict=True):
        found = ", ".join(f"{f['code']} {f['severity']}" for f in facts["findings"][run])
        print(f"  {letter}  {found or 'none'}")
    print("\nMind")
    for caution in facts["cautions"]:
        print(f"  {caution}")
    return 0


def _letters(names: Sequence[str]) -> list[str]:
    return [chr(ord("A") + i) for i in range(len(names))]


def _figure_rows(facts: dict[str, Any], names: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for figure in facts["figures"]:
        cells = []
        for run in names:
            value, line = figure["values"][run], figure["lines"][run]
            shown = "-" if line is None and value is None else as_text(value, figure["unit"])
            cells.append(f"{shown} *" if figure["best"] == run else shown)
        yield (figure["name"], *cells, figure["better"])


def watch_logs(args: argparse.Namespace) -> int:
    """Report each log when its run ends, until stopped."""
    for name, least in (("--count", args.count), ("--seconds", args.seconds)):
        if least is not None and least < 1:
            raise SettingError(f"{name} must be at least 1, got {least}")
    args.log_dir.mkdir(parents=True, exist_ok=True)
    book = LogBook(args.log_dir)
    over = None if args.seconds is None else time.monotonic() + args.seconds
    if not args.json:
        print(f"Watching {clean(args.log_dir)} for runs that end; Ctrl-C stops.", flush=True)
    reported = 0
    for name in _ended(book, over):
        try:
            found = analyze_case(book.case(name))
        except DataError as error:
            complain(str(error))
            continue
        if args.json:
            print(json.dumps(analyzer.log_facts(found)), flush=True)
        else:
            print("\n".join(log_lines(found, clean(args.log_dir))) + "\n", flush=True)
        reported += 1
        if reported == args.count:
            break
    return 0


def _ended(book: LogBook, over: float | None) -> Iterator[str]:
    """Yield each log whose run ends from now on."""
    seen = book.names()
    open_ones = {name for name in seen if not _has_status(book, name)}
    while over is None or time.monotonic() < over:
        time.sleep(POLL)
        now = book.names()
        for name, stamp in now.items():
            if seen.get(name) == stamp or not (name in open_ones or name not in seen):
                continue
            open_ones.add(name)
            if _has_status(book, name):
                open_ones.discard(name)
                yield name
        seen = now


def _has_status(book: LogBook, name: str) -> bool:
    """Whether the log ends with a status, from its last bytes."""
    try:
        with open(book.folder / f"{name}.log", "rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL))
            return b"=== STATUS ===" in file.read().replace(b"\0", b"")  # UTF-16
    except OSError:
        return False


def _reading(book: LogBook, args: argparse.Namespace, work: Any) -> Any:
    """Do `work`, with a progress bar where many logs are read."""
    with progress("reading logs", len(book.unread()), quiet=args.json) as tick:
        return work(lambda name: tick(clean(name)))
