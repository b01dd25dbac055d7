"""What ``geiger logs`` prints: the answer first, findings grouped over all logs, then what to do next."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from geiger.analysis.analyzer import ACT, ASK, Analysis, LogAnalysis, Sentence, Step, in_rank
from geiger.checks.base import Evidence, Finding, Severity, command_name
from geiger.checks.commands import Typed
from geiger.cli.terminal import counted, table, wrapped
from geiger.figures import FigureName
from geiger.records import Status, as_text, p_as_told

COLUMNS = 80  # of all that is read at once; a command is never broken
INDENT = 7 * " "
MOST_CITED = 6  # places of one finding
MOST_STEPS = 5
MOST_NAMED = 3  # runs of one finding
LONGEST_NAME = 33  # AAPL_gbm_catboost_20251229_143022
ROOM = {1: 25, 8: 30}  # so many logs, and the lines that they may fill; more of them
ROOM_OF_MANY = 60
STOPPED, LEAK = "GC108", "GC401"
_SHORT = ("wfe", "checkpoints", "audit")  # what fits on a line together
_ORDER = ("FAIL", "WARN", "NOTE")


def analysis_lines(analysis: Analysis, listing: str, *, verbose: bool = False) -> Iterator[str]:
    """Yield an analysis for people.

    Parameters
    ----------
    listing : str
        The command that shows one log, its name left out.
    verbose : bool
        Every finding of every log, with its lines and its cause.
    """
    if not analysis.known:
        yield f"no logs in {analysis.folder}; `geiger train` writes one for each run"
        return
    if not analysis.logs:
        yield f"No new logs among {analysis.known} in {analysis.folder}; --all analyzes them again."
        return
    if verbose:
        yield from _in_full(analysis)
        return
    logs = analysis.logs
    if len(logs) == 1 and logs[0].trouble:
        yield from _head_of_one(logs[0], analysis.folder)
        return
    lines = list(_head_of_one(logs[0], analysis.folder) if len(logs) == 1 else _head_of_many(analysis))
    room = next((room for most, room in ROOM.items() if len(logs) <= most), ROOM_OF_MANY)
    steps = [step for step in analysis.steps if _is_numbered(step)]
    found = list(_found(analysis))
    least = 5 + 2 * min(len(steps), 2)  # of what follows the findings
    lines += _cut(found, max(3, room - len(lines) - least - 1))
    lines += _next(analysis, steps, (room - len(lines) - 5) // 2)
    yield from lines
    yield f"Why, with the lines: {listing}{' --all' if len(logs) > 1 else ''} -v"


# One log


def _head_of_one(log: LogAnalysis, folder: str) -> list[str]:
    """Return the answer of a log, and what it rests on."""
    if log.trouble:
        return [f"Analyzing {folder}/{log.name}.log ...", *_said(log.conclusion, "  ")]
    return [*answer_lines(log, folder)]


def answer_lines(log: LogAnalysis, folder: str) -> Iterator[str]:
    """Yield the answer of a log first, then the few figures that stand beside it.

    A log without a verdict begins as in the plan's example session, with its name and the result.
    """
    red = [s for s in log.sentences if s.about == "audit" and ": red" in s.text]
    if log.answer or red:
        first = red[0] if red else _about(log, "verdict")[0]
        said = first.text.removeprefix("Verdict: ")
        yield from _said(f"{log.symbol} {command_name(log.model)}: {said}", "", "  ")
        if red:
            yield from (line for s in _about(log, "verdict") for line in _said(s.text, "  "))
        yield f"  Log: {folder}/{log.name}.log" + ("" if log.status == "SUCCESS" else f", {log.status}")
    else:
        yield f"Analyzing {folder}/{log.name}.log ..."
    if log.status != Status.SUCCESS:
        yield from _said(log.conclusion, "  ", "    ")
        grave = [f for f in log.findings if f.severity is Severity.FAIL]
        yield from (line for f in grave[:1] for line in _said(f"Likely: {f.cause}", "  ", "    "))
    short = [s.text for about in _SHORT for s in _about(log, about) if s not in red]
    if not log.answer:
        yield from _told(log, "result")
        yield from _joined(short)
        yield from _told(log, "ranks", "money", "verdict" if not red else "")
        return
    yield from _told(log, "effect", "result", "ranks", "money")
    yield from _joined(short)


def _told(log: LogAnalysis, *about: str) -> Iterator[str]:
    for sentence in (s for what in about for s in _about(log, what)):
        yield from _said(sentence.text, "  ", "    ")


def _about(log: LogAnalysis, about: str) -> list[Sentence]:
    return [sentence for sentence in log.sentences if sentence.about == about]


def _joined(texts: Sequence[str]) -> Iterator[str]:
    """Yield texts, as many on a line as it holds."""
    line = ""
    for text in texts:
        both = f"{line}; {text}" if line else f"  {text}"
        if line and len(both) > COLUMNS:
            yield line
            both = f"  {text}"
        line = both
    if line:
        yield line


def told_lines(log: LogAnalysis, folder: str) -> Iterator[str]:
    """Yield one log by itself: its answer, its findings, and what that means."""
    yield from answer_lines(log, folder)
    for finding in log.findings:
        yield _one_line(f"  {finding.severity} {finding.code} {finding.title}: {finding.text}")
    yield from _said(f"{log.conclusion}:", "  ", "    ")
    yield f"     {log.next}"


# Several logs


def _head_of_many(analysis: Analysis) -> Iterator[str]:
    """Yield how many logs came to which answer, then a row for each, the best answer first."""
    logs = analysis.logs
    counts: dict[str, int] = {}
    ranked = sorted(logs, key=_rank)
    for log in ranked:
        counts[verdict_cell(log)] = counts.get(verdict_cell(log), 0) + 1
    told = ", ".join(f"{number} {cell}" for cell, number in counts.items())
    yield from _said(f"{counted(len(logs), 'log')} in {analysis.folder}: {told}", "", "  ")
    yield from (line for text in _luck(logs) for line in _said(text, "  "))
    yield ""
    rows = [("log", "verdict", "p", "acc/base", "Sharpe/hold")]
    rows += [(short_name(log.name), verdict_cell(log), *figure_cells(log.p, log.figures)) for log in ranked]
    yield from table(rows).splitlines()
    for log in ranked:
        if log.trouble:
            yield from _said(f"{log.name}: {log.trouble}", "  ")
    if analysis.chosen > len(logs):
        yield f"{analysis.chosen - len(logs)} earlier ones count in the patterns only; --limit shows more."


def _rank(log: LogAnalysis) -> tuple[float, ...]:
    """Return what sorts logs: the best answer first, alarms behind all answers."""
    suspect = any(finding.code == LEAK for finding in log.findings)
    return float(bool(log.trouble)), float(suspect), *in_rank(log.answer, log.p, log.figures)


def _luck(logs: Sequence[LogAnalysis]) -> Iterator[str]:
    """Yield what chance alone makes of so many runs."""
    tested = [log for log in logs if log.p is not None and log.level is not None]
    if len(tested) > 1:
        level = tested[0].level or 0.0
        rings = sum((log.p or 0.0) < level for log in tested)
        yield (
            f"{rings} of {len(tested)} ring (p below {level:g}); by chance {level * len(tested):.2g} would, "
            "were they independent."
        )
    runs = sum(FigureName.SHARPE in log.figures for log in logs)
    if runs > 1:
        yield f"Best of {runs}: the highest Sharpe and accuracy of {runs} runs are partly luck."


def verdict_cell(log: LogAnalysis) -> str:
    """Return the answer, or why there is none, in a word or two."""
    return standing(log.answer, log.status, [f.code for f in log.findings], trouble=bool(log.trouble))


def standing(answer: str, status: str, codes: Collection[str], *, trouble: bool = False) -> str:
    """Return what a run came to in a word or two: its answer where it ended well.

    Parameters
    ----------
    codes : collection of str
        Of its findings: an alarm comes before any answer.

    >>> standing("", "COLLAPSED", ()), standing("CANNOT TELL", "SUCCESS", ("GC401",))
    ('COLLAPSED', 'LEAK SUSPECT')
    """
    if trouble:
        return "unreadable"
    if LEAK in codes:
        return "LEAK SUSPECT"
    if status not in ("", Status.SUCCESS):
        return status
    if not status:
        return "stopped" if STOPPED in codes else "no STATUS"
    said, comma, _ = answer.partition(",")
    return f"{said}, if" if comma else said or "no verdict"


def figure_cells(p: float | None, figures: Mapping[str, float]) -> tuple[str, str, str]:
    """Return p, accuracy beside its base rate and Sharpe beside that of holding; empty where there is none.

    >>> figure_cells(0.0312, {"Direction Accuracy": 0.537, "Base Rate": 0.553, "Test Sharpe": 0.8})
    ('0.031', '53.7/55.3%', '0.80/-')
    """
    accuracy, base = (figures.get(name) for name in (FigureName.DIRECTION_ACCURACY, FigureName.BASE_RATE))
    sharpe, held = (figures.get(name) for name in (FigureName.SHARPE, FigureName.BUY_AND_HOLD_SHARPE))
    return (
        "" if p is None else p_as_told(p),
        "" if accuracy is None else f"{100 * accuracy:.1f}/{'-' if base is None else f'{100 * base:.1f}'}%",
        "" if sharpe is None else f"{sharpe:.2f}/{'-' if held is None else f'{held:.2f}'}",
    )


def short_name(name: str) -> str:
    """Return a name as a table has room for it, its time in any case.

    >>> short_name("A_PANEL_OF_A_VERY_LONG_NAME_ridge_20251229_143022")
    'A_PANEL_OF_A_VER~_20251229_143022'
    """
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 17]}~{name[-16:]}"


# Findings


def _found(analysis: Analysis) -> Iterator[str]:
    """Yield one line for each finding over all logs, the gravest and most frequent first."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    said: dict[str, str] = {}  # of one log alone: what was found in it
    shown = {log.name for log in analysis.logs}
    for log in analysis.logs:
        for finding in log.findings:
            groups.setdefault(_kind(finding), []).append(log.name)
            said[finding.code] = finding.text
    for finding in analysis.trends:
        if shown & {*finding.runs}:
            groups.setdefault(_kind(finding), []).extend(finding.runs)
            said[finding.code] = finding.text
    for (severity, code, title), runs in sorted(
        groups.items(), key=lambda item: (_ORDER.index(item[0][0]), -len(item[1]), item[0][1])
    ):
        where = _runs(list(dict.fromkeys(runs)), len(analysis.logs))
        told = said[code] if len(analysis.logs) == 1 and code in said else where
        yield _one_line(f"  {severity} {code} {title}: {told}")


def _kind(finding: Finding) -> tuple[str, str, str]:
    return str(finding.severity), finding.code, finding.title


def _runs(runs: Sequence[str], of: int) -> str:
    """Return which runs, by name where they are few."""
    if len(runs) == 1:
        return runs[0]
    if len(runs) == of:
        return f"all {of}"
    if len(runs) > MOST_NAMED:
        return f"{len(runs)} runs"
    counts = Counter(run.rsplit("_", 2)[0] for run in runs)
    return ", ".join(name if number == 1 else f"{number} of {name}" for name, number in counts.items())


def _cut(found: Sequence[str], room: int) -> list[str]:
    """Return the findings that the room holds, and how many more there are."""
    if not found:
        return ["", "No findings: no check fires."]
    shown = list(found) if len(found) <= room - 2 else list(found[: max(1, room - 3)])
    rest = len(found) - len(shown)
    return ["", "Findings", *shown, *([f"  and {rest} more"] if rest else [])]


# Steps


def _next(analysis: Analysis, steps: Sequence[Step], most: int) -> list[str]:
    """Return what to do next: at most five commands, each with its reason."""
    one = len(analysis.logs) == 1
    looks = [step for step in analysis.steps if not _is_numbered(step)]
    alike: dict[object, list[Step]] = {}
    for step in steps:
        alike.setdefault((step.severity == "READY", _sort_of(step.command)), []).append(step)
    lines = [""]
    if steps:
        lines.append("What to do next")
    for number, some in enumerate(list(alike.values())[: min(MOST_STEPS, max(1, most))], start=1):
        lines += step_lines(number, some[0], others=len(some) - 1, one=one)
    if any(is_training(step.command) for step in steps) and any(log.p is not None for log in analysis.logs):
        lines.append("Each further training on these days is one more try, and raises the bar.")
    if not steps:
        lines.append("Nothing more to run for " + ("this log." if one else "these logs."))
    if one and analysis.logs[0].repeated:
        lines.append(f"It was repeated since, in {analysis.logs[0].repeated}.")
    if looks:
        lines.append(f"To look closer: {looks[0].command}")
    return lines


def _is_numbered(step: Step) -> bool:
    """Whether a step makes something new, or is what a run is ready for."""
    return step.kind == ACT or step.severity == "READY"


def _sort_of(command: str) -> object:
    """Return what commands share that change the same thing of different runs."""
    typed = Typed.of(command)
    if typed is None:
        return command
    return typed.words[0], tuple(option for option in typed.options if option[0] != "--run")


def is_training(command: str) -> bool:
    """Whether a command trains.

    >>> is_training("geiger train ridge AAPL"), is_training("geiger audit --run X")
    (True, False)
    """
    return command.startswith("geiger train ")


def step_lines(number: int, step: Step, *, others: int = 0, one: bool = False) -> Iterator[str]:
    """Yield one step: why, then the command on a line of its own.

    Parameters
    ----------
    others : int
        Steps that do the same for other runs, and are not shown.
    one : bool
        Whether the run is named above.
    """
    ask = ASK if step.severity in ("READY", "NEXT") else ""
    reason = f"  {number}. {_reason(step, one=one)}"
    short = reason.partition(", knowing ")[0]  # its codes stand among the findings
    alike = [f"{others} like it for other runs"] if others else []
    more = [counted(len(step.reasons) - 1, "more reason")] if len(step.reasons) > 1 else []
    ways: tuple[tuple[str, list[str]], ...] = (
        (reason, [*more, *alike]),
        (short, [*more, *alike]),
        (short, alike),
        (short, []),
    )
    whole = [told + (f" ({', '.join(beside)})" if beside else "") + f"{ask}:" for told, beside in ways]
    fits = next((line for line in whole if len(line) <= COLUMNS), None)
    yield _one_line(short, tail=f"{ask}:") if fits is None else fits
    yield f"     {step.command}"


def _reason(step: Step, *, one: bool) -> str:
    """Return the gravest reason for a step, its run in short; left out where it stands above."""
    reason = step.reasons[0]
    if step.severity not in ("READY", "NEXT"):
        return reason.partition(" (")[0]
    name, _, said = reason.partition(": ")
    if step.severity == "NEXT":
        said = said.partition(" (")[0]  # what that rests on stands above
    return said if one else f"{name.rsplit('_', 2)[0]}: {said}"


def _one_line(text: str, tail: str = "") -> str:
    room = COLUMNS - len(tail)
    return (text if len(text) <= room else f"{text[: room - 3]}...") + tail


def _said(text: str, indent: str, hanging: str | None = None) -> list[str]:
    """Break prose at 80 columns; what is longer in one piece stays whole."""
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent if hanging is None else hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


# Everything


def _in_full(analysis: Analysis) -> Iterator[str]:
    logs = analysis.logs
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
    for numbered, title in ((True, "What to do next"), (False, "To look closer")):
        steps = [step for step in analysis.steps if _is_numbered(step) == numbered][:MOST_STEPS]
        if steps:
            yield title
        for number, step in enumerate(steps, start=1):
            yield f"  {number}. {step.command}"
            more = f"; and {len(step.reasons) - 3} more" if len(step.reasons) > 3 else ""
            yield from wrapped(f"{step.severity}: {'; '.join(step.reasons[:3])}{more}", "     ")


def log_lines(log: LogAnalysis, folder: str) -> Iterator[str]:
    """Yield all that one log means, each sentence with its line."""
    yield f"Analyzing {folder}/{log.name}.log ..."
    if log.trouble:
        yield f"  {log.conclusion}"
        return
    for sentence in log.sentences:
        yield f"  {sentence.text} {places(sentence.evidence, log.name)}".rstrip()
    for finding in log.findings:
        yield from finding_lines(finding, log.name)
    whole = log.conclusion.replace("Please run", "Please\N{NO-BREAK SPACE}run")
    yield from (line.replace("\N{NO-BREAK SPACE}", " ") for line in wrapped(f"{whole}:", "  "))
    yield f"    {log.next}"


def finding_lines(finding: Finding, log: str = "") -> Iterator[str]:
    """Yield one finding: what, where, why, and the command; lines of `log` are cited by number alone."""
    yield f"  {finding.severity:4} {finding.code} {finding.title}"
    yield from wrapped(f"{finding.text} {places(finding.evidence, log)}".strip(), INDENT)
    yield from wrapped(f"Likely: {finding.cause}", INDENT)
    yield f"{INDENT}Next: {finding.next}"


def places(evidence: Sequence[Evidence], log: str = "") -> str:
    """Return where evidence stands: ``[line 61; .jsonl lines 37, 42; OTHER.log:12]``."""
    known = [e for e in evidence[:MOST_CITED] if e.line is not None]
    parts = []
    for suffix, word in ((".log", ""), (".jsonl", ".jsonl ")):
        numbers = [str(e.line) for e in known if log and e.file == f"{log}{suffix}"]
        if numbers:
            parts.append(f"{word}{'line' if len(numbers) == 1 else 'lines'} {', '.join(numbers)}")
    parts += [e.place for e in known if not log or not e.file.startswith(f"{log}.")]
    return f"[{'; '.join(parts)}]" if parts else ""


# Side by side


def comparison_lines(facts: Mapping[str, Any], *, in_rows: bool) -> Iterator[str]:
    """Yield runs side by side: one column a run, or one row a run, by rank among those that compare."""
    yield from _rows(facts) if in_rows else _columns(facts)
    for pair in facts["paired"]:
        yield (
            f"{pair['figure']} fold by fold, {pair['run']} less {pair['other']}: "
            f"{pair['difference']:+.4f} with an error of {pair['error']:.4f} ({pair['folds']} folds)"
        )
    if len(facts["groups"]) > 1:
        yield "Nothing is starred or ranked across the groups: what follows says why."
    yield "\nMind"
    for caution in facts["cautions"]:
        yield f"  {caution}"


def _rows(facts: Mapping[str, Any]) -> Iterator[str]:
    runs = {run["name"]: run for run in facts["runs"]}
    figures = {figure["name"]: figure["values"] for figure in facts["figures"]}
    for number, group in enumerate(facts["groups"], start=1):
        if len(facts["groups"]) > 1:
            yield f"Group {number}: {counted(len(group), 'run')} of {runs[group[0]]['symbol']}"
        rows = [("", "log", "verdict", "p", "acc/base", "Sharpe/hold")]
        for rank, name in enumerate(group, start=1):
            run = runs[name]
            known = {label: values[name] for label, values in figures.items() if values[name] is not None}
            codes = [finding["code"] for finding in facts["findings"][name]]
            cell = standing(run["answer"] or "", run["status"] or "", codes)
            rows.append((str(rank), short_name(name), cell, *figure_cells(run["p"], known)))
        yield from table(rows).splitlines()
        yield ""
    if facts["settings"]:
        yield from _said(f"Settings that differ: {', '.join(facts['settings'])}", "", "  ")


def _columns(facts: Mapping[str, Any]) -> Iterator[str]:
    names = [name for group in facts["groups"] for name in group]
    runs = {run["name"]: run for run in facts["runs"]}
    letters = [chr(ord("A") + i) for i in range(len(names))]
    for letter, name in zip(letters, names, strict=True):
        run = runs[name]
        said = [run["status"] or "no STATUS", run["answer"], run["result"]]
        yield f"{letter}  {name}: {', '.join(word for word in said if word)}"
    yield ""
    yield from table([("figure", *letters, "better"), *_figure_rows(facts, names)]).splitlines()
    if facts["settings"]:
        yield "\nSettings that differ"
        rows = [
            (name, *((values[run] or "-")[:24] for run in names))
            for name, values in facts["settings"].items()
        ]
        yield from table([("setting", *letters), *rows], "  ").splitlines()
    yield "\nFindings"
    for letter, name in zip(letters, names, strict=True):
        found = ", ".join(f"{f['code']} {f['severity']}" for f in facts["findings"][name])
        yield f"  {letter}  {found or 'none'}"
    yield ""


def _figure_rows(facts: Mapping[str, Any], names: Sequence[str]) -> Iterable[tuple[str, ...]]:
    for figure in facts["figures"]:
        cells = []
        for run in names:
            value, line = figure["values"][run], figure["lines"][run]
            shown = "-" if line is None and value is None else as_text(value, figure["unit"])
            cells.append(f"{shown} *" if figure["best"] == run else shown)
        yield (figure["name"], *cells, figure["better"])
