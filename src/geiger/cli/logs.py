"""``geiger logs``: which logs there are, what they say, what that means, and what to do next."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from geiger.analysis import analyzer
from geiger.analysis.analyzer import analyze_case, in_rank
from geiger.analysis.comparison import compare_facts
from geiger.analysis.logbook import LogBook
from geiger.cleaning import clean
from geiger.cli.complaint import complain
from geiger.cli.logs_text import (
    LEAK,
    analysis_lines,
    answer_lines,
    comparison_lines,
    figure_cells,
    short_name,
    standing,
    told_lines,
)
from geiger.cli.terminal import counted, print_json, progress, table
from geiger.codec import fitted
from geiger.cross_section import CrossSection
from geiger.errors import DataError, SettingError
from geiger.figures import FigureName
from geiger.records import AuditSummary, as_text
from geiger.runlog.cross_section import cross_section_lines
from geiger.runlog.wording import audit_line

POLL = 0.25  # seconds between two looks at the folder
TAIL = 1024  # bytes at the end of a log that hold its status, whatever a logger puts before each line
MOST_COLUMNS = 4  # runs side by side, one a column; more of them are rows
Facts = dict[str, Any]


def _figure(name: FigureName, *, least: bool = False) -> Callable[[Facts], float]:
    """Return what sorts by a figure: the largest first, or the least; without one last."""

    def key(facts: Facts) -> float:
        value = facts["figures"].get(name)
        return math.inf if value is None else value if least else -value

    return key


SORTS: dict[str, Callable[[Facts], Any]] = {  # beside `began`: the newest first, as they come
    "name": lambda facts: facts["name"],
    "verdict": lambda facts: (
        LEAK in facts["findings"]["FAIL"],
        *in_rank(facts["answer"] or "", facts["p"], facts["figures"]),
    ),
    "p": lambda facts: math.inf if facts["p"] is None else facts["p"],
    "accuracy": _figure(FigureName.DIRECTION_ACCURACY),
    "correlation": _figure(FigureName.CORRELATION),
    "sharpe": _figure(FigureName.SHARPE),
    "wfe": _figure(FigureName.WFE),
    "drawdown": _figure(FigureName.MAX_DRAWDOWN, least=True),
    "findings": lambda facts: [-len(facts["findings"][severity]) for severity in ("FAIL", "WARN")],
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
    if args.sort != "began":
        found = sorted(found, key=SORTS[args.sort])
    if args.reverse:
        found = found[::-1]
    shown = found if args.all else found[: args.limit]
    if args.json:
        print_json({"schema": analyzer.SCHEMA, "total": len(found), "logs": shown})
        return 0
    if not found:
        print(f"no logs in {clean(args.log_dir)} that match; `geiger train` writes one for each run")
        return 0
    rows: list[tuple[str, ...]] = [("log", "verdict", "p", "acc/base", "Sharpe/hold", "findings", "")]
    rows += [_row(facts) for facts in shown]
    print(table(rows))
    for facts in shown:
        if facts["trouble"]:
            print(f"{facts['name']}: {facts['trouble']}")
    if len(shown) < len(found):
        which = "older" if args.sort == "began" and not args.reverse else "more"
        print(f"{len(found) - len(shown)} {which} ones not shown; --all shows them")
    return 0


def _row(facts: Facts) -> tuple[str, ...]:
    codes = facts["findings"]
    counts = " ".join(f"{len(codes[s])} {s}" for s in ("FAIL", "WARN") if codes[s])
    cell = standing(
        facts["answer"] or "",
        facts["status"] or "",
        [*codes["FAIL"], *codes["WARN"]],
        trouble=facts["trouble"] is not None,
    )
    figures = figure_cells(facts["p"], facts["figures"])
    return (short_name(facts["name"]), cell, *figures, counts, "new" if facts["new"] else "")


def show_log(args: argparse.Namespace) -> int:
    """Print the answer of one log, and what it says with the lines of its figures."""
    book = LogBook(args.log_dir)
    facts = analyzer.show_facts(book, args.log)
    if args.json:
        print_json(facts)
        return 0
    print("\n".join(answer_lines(analyze_case(book.case(args.log)), clean(args.log_dir))))
    if args.verbose:
        _show_settings(facts)
    lines = facts["lines"]
    rows = [
        (f["name"], as_text(f["value"], f["unit"]), _line(lines.get(f"FINAL METRICS/{f['name']}")))
        for f in facts["figures"]
    ]
    print("\nFigures")
    print(table(rows or [("none", "", "")], "  "))
    print("\nCheckpoints" + ("" if facts["checkpoints"] else ": none"))
    for point in facts["checkpoints"]:
        print(f"  {point['number']}. {point['name']}: {point['outcome']} ({point['found']})")
    if args.verbose:
        _show_verdict(facts)
    print("\nWarnings" + ("" if facts["warnings"] else ": none"))
    for notice in facts["warnings"]:
        print(f"  {notice['code']}: {notice['text']}")
    if facts["unread"]:
        print(f"\n{counted(len(facts['unread']), 'line')} not understood: {_listed(facts['unread'])}")
    name, places = facts["name"], book.places
    if not args.verbose:
        print("\nAll of it: " + places.command("geiger", "logs", "show", name, "-v", logs=True))
    print("\nWhat it means: " + places.command("geiger", "logs", "analyze", name, logs=True))
    return 0


def _show_settings(facts: Facts) -> None:
    print("\nSettings")
    print(table([(f"{name}:", value) for name, value in facts["settings"].items()] or [("none", "")], "  "))
    print(f"\nEpochs: {facts['epochs_in_all']}")
    for epoch in facts["epochs"][-3:]:
        print(f"  fold {epoch['fold']}, seed {epoch['seed']}, epoch {epoch['epoch']}: {_epoch_text(epoch)}")


def _show_verdict(facts: Facts) -> None:
    if facts["cross_section"] is not None:
        print("\nCross-section")
        found = fitted(facts["cross_section"], CrossSection)
        print("\n".join(f"  {line}" for line in cross_section_lines(found)))
    print("\n".join(["", f"Verdict: {facts['verdict'][0]}", *(f"  {line}" for line in facts["verdict"][1:])]))
    print("\n".join(_audit_lines(facts["audit"])))


def _audit_lines(facts: Facts | None) -> Iterator[str]:
    """Yield what an audit came to, and where it is red why and what to do."""
    audit = None if facts is None else fitted(facts, AuditSummary)
    yield audit_line(audit)
    if audit is not None and audit.mend is not None:
        yield f"  Likely cause: {audit.cause}"
        yield f"  Mend: {audit.mend}"


def _epoch_text(epoch: Facts) -> str:
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
    words = ["geiger", "logs", "analyze", *([analysis.logs[0].name] if len(analysis.logs) == 1 else [])]
    listing = book.places.command(*words, logs=True)
    print("\n".join(analysis_lines(analysis, listing, verbose=args.verbose)))
    return 0


def compare_logs(args: argparse.Namespace) -> int:
    """Put logs side by side."""
    facts = compare_facts(LogBook(args.log_dir), args.logs)
    if args.json:
        print_json(facts)
        return 0
    print("\n".join(comparison_lines(facts, in_rows=len(facts["runs"]) > MOST_COLUMNS)))
    return 0


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
            print("\n".join(told_lines(found, clean(args.log_dir))) + "\n", flush=True)
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
