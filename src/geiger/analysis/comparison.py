"""Runs side by side: ranked among those that compare, and what forbids reading the others so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from statistics import mean, stdev
from typing import Any

from geiger.analysis.analyzer import SCHEMA, in_rank, json_able
from geiger.analysis.logbook import LogBook, p_of
from geiger.checks.base import Case
from geiger.checks.catalogue import ask_all
from geiger.checks.comparing import CONDITIONS, NO_EVIDENCE, cautions
from geiger.checks.result import result_of
from geiger.errors import SettingError
from geiger.figures import FigureName
from geiger.records import Figure
from geiger.runlog.verdict import answer_in

RANK_IC = "Rank IC a day"
FOLDS = 3  # shared ones, from which a difference has an error


def compare_facts(book: LogBook, names: Sequence[str]) -> dict[str, Any]:
    """Put logs side by side: figures, settings that differ, findings of each, and what forbids comparing.

    Raises
    ------
    SettingError
        Fewer than two logs.
    """
    unique = list(dict.fromkeys(book.path(name).stem for name in names))
    if len(unique) < 2:
        raise SettingError(f"compare: give two different logs or more, got {len(unique)}")
    cases = [book.case(name) for name in unique]
    found = {case.name: ask_all(case) for case in cases}
    settings = list(dict.fromkeys(name for case in cases for name in case.config))
    differing = {
        name: {case.name: case.config.get(name) for case in cases}
        for name in settings
        if len({case.config.get(name) for case in cases}) > 1
    }
    figures = list(dict.fromkeys(figure.name for case in cases for figure in _figures(case)))
    groups = _groups(cases)
    return json_able(
        {
            "schema": SCHEMA,
            "runs": [_run(case, result_of(case, found[case.name])) for case in cases],
            "groups": [[case.name for case in group] for group in groups],
            "figures": [_compared(name, cases, starred=len(groups) == 1) for name in figures],
            "paired": [facts for group in groups for facts in _paired(group)],
            "settings": differing,
            "findings": {
                name: [{"code": f.code, "severity": f.severity, "title": f.title} for f in findings]
                for name, findings in found.items()
            },
            "cautions": list(_cautions(cases)),
        }
    )


def _run(case: Case, result: Any) -> dict[str, Any]:
    return {
        "name": case.name,
        "symbol": case.symbol,
        "model": case.kind,
        "status": case.log.status,
        "result": result.word if result else None,
        "answer": answer_in(case.log.verdict[0]),
        "p": p_of(case),
    }


def _groups(cases: Sequence[Case]) -> list[list[Case]]:
    """Return the runs that compare with each other, each group by rank, the largest group first."""
    groups: dict[tuple[str | None, ...], list[Case]] = {}
    for case in cases:
        groups.setdefault(tuple(_condition(case, name) for name in CONDITIONS), []).append(case)
    ranked = [sorted(group, key=_rank) for group in groups.values()]
    return sorted(ranked, key=lambda group: -len(group))


def _condition(case: Case, name: str) -> str | None:
    """Return one condition of a run: of folds the test days that they span, where the log tells these."""
    if name == "Folds" and case.log.scorecard.folds:
        days = [(fold.first, fold.last) for fold in case.log.scorecard.folds]
        return f"{min(first for first, _ in days)} to {max(last for _, last in days)}"
    return case.config.get(name)


def _rank(case: Case) -> tuple[float, ...]:
    figures = {f.name: f.value for f in reversed(case.log.figures) if f.value is not None}
    return in_rank(str(answer_in(case.log.verdict[0]) or ""), p_of(case), figures)


def _paired(group: Sequence[Case]) -> Iterator[dict[str, Any]]:
    """Yield the first run's correlation less that of each other, fold by fold, where they share the folds."""
    first = _correlations(group[0])
    for other in group[1:]:
        theirs = _correlations(other)
        gains = [first[days] - theirs[days] for days in first if days in theirs]
        if len(gains) >= FOLDS:
            yield {
                "run": group[0].name,
                "other": other.name,
                "figure": str(FigureName.CORRELATION),
                "difference": mean(gains),
                "error": stdev(gains) / math.sqrt(len(gains)),
                "folds": len(gains),
            }


def _correlations(case: Case) -> dict[tuple[str, str], float]:
    """Return the correlation of each fold by its first and last test day."""
    return {(f.first, f.last): f.rho for f in case.log.scorecard.folds if f.rho is not None}


def _compared(name: str, cases: Sequence[Case], *, starred: bool) -> dict[str, Any]:
    figures = [next((f for f in _figures(case) if f.name == name), None) for case in cases]
    known = [f for f in figures if f is not None]
    values = {c.name: None if f is None else f.value for c, f in zip(cases, figures, strict=True)}
    better = next((f.better for f in known if f.better != "neither"), "neither")
    defined = {run: value for run, value in values.items() if value is not None}
    best = None
    if starred and better != "neither" and len(set(defined.values())) > 1:
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
    differing = {name for name in CONDITIONS if len({_condition(case, name) for case in cases}) > 1}
    yield from cautions(differing)
    for case in cases:
        if case.log.status is None:
            yield f"{case.name} has no STATUS"
    yield NO_EVIDENCE
