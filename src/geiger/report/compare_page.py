"""The page of several runs side by side. Runs are called A, B, C in its tables, so that those fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from geiger.cross_section import CrossSection, RankIC
from geiger.figures import STRATEGY, FigureName
from geiger.records import Better, Unit
from geiger.report.charts import drawdown
from geiger.report.compare_charts import smalls_drawing
from geiger.report.parts import SHAPES, Chart, Table, alarms_of, plain, render, written
from geiger.report.universe_page import ic_name, rival_cells
from geiger.report.view import CompareView, RunView

MOST_NAMED = 6  # runs whose columns carry their names
# Nothing that a run could be better at.
BASELINE_FIGURES = (FigureName.BUY_AND_HOLD_SHARPE, FigureName.BASE_RATE)


def compare_page(view: CompareView, links: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the page of several runs side by side; `links` are the addresses of their own pages, by name."""
    alarms = [(run, found) for run in view.runs if (found := alarms_of(run))]
    return render(
        "compare.html.j2",
        view=view,
        title=f"{len(view.runs)} runs side by side",
        alarmed=bool(alarms),
        alarms=alarms,
        letters=[(letter, run, _called(run)) for letter, run in _letters(view)],
        shapes={run.name: SHAPES.get(run.status, "square") for run in view.runs},
        links={run.name: links.get(run.name, "") for run in view.runs},
        answers=_answers_table(view, links),
        unranked=_unranked(view),
        overview=_overview_table(view),
        figures=_side_by_side(view),
        scores=_scores_side_by_side(view),
        smalls=_small_charts(view),
        common_table=_common_table(view),
        paired=_paired_table(view),
        differences=_wide("Settings that differ", view, view.differences),
        origins=_wide("Data and versions", view, view.origins),
        years=_years_side_by_side(view),
        ranks=_ranks_table(view),
        ranks_common=_ranks_common_table(view),
    )


def _answers_table(view: CompareView, links: Mapping[str, str]) -> Table:
    """Return one row a run, the answer first; of panels with the rank correlation in place of directions."""
    ranks = (None,) * len(view.runs) if view.ranks is None else view.ranks.own
    rows = []
    for (letter, run), found in zip(_letters(view), ranks, strict=True):
        answer = "not evaluated" if run.gist is None or run.gist.answer is None else str(run.gist.answer)
        rows.append(
            (
                f"{letter}: {_called(run)}",
                answer if run.status == "SUCCESS" else f"{run.status}, {answer}",
                *(_directions(run) if view.ranks is None else _all_days(found)),
                *(_told(run, name) for name in _MONEY),
                "unknown" if run.equity is None else str(len(run.equity.days)),
            )
        )
    middle = (
        ("Correlation", "Direction accuracy", "Base rate") if view.ranks is None else ("Rank IC", "Error")
    )
    money = ("Sharpe", "Buy and hold's", "Beside volatility-matched, a year", "Max drawdown")
    columns = ("Run", "Verdict", *middle, *money, "Days")
    addresses = tuple(links.get(run.name, "") for run in view.runs)
    note = "Figures are of each run's own days. A heading sorts; it ranks nothing that does not compare."
    return Table(
        "The runs, the answer first", columns, tuple(rows), note=note, links=addresses, sortable=True
    )


_MONEY = (
    FigureName.SHARPE,
    FigureName.BUY_AND_HOLD_SHARPE,
    FigureName.BEAT_VOLATILITY_MATCHED,
    FigureName.MAX_DRAWDOWN,
)


def _directions(run: RunView) -> tuple[str, ...]:
    names = (FigureName.CORRELATION, FigureName.DIRECTION_ACCURACY, FigureName.BASE_RATE)
    return tuple(_told(run, name) for name in names)


def _all_days(found: CrossSection | None) -> tuple[str, ...]:
    """Return the rank correlation of all days with its error."""
    one = None if found is None else next((one for one in found.ics if one.kind == "all"), None)
    return ("none", "none") if one is None else (written(one.mean, "return"), written(one.error, "return"))


def _told(run: RunView, name: FigureName) -> str:
    figure = run.figure(name)
    return "none" if figure is None else written(figure.value, figure.unit)


def _unranked(view: CompareView) -> str:
    """Say why none of the runs is called the best; empty where one is."""
    if view.best is not None:
        return ""
    if not view.alike:
        return (
            "Not ranked: the runs differ in what must be the same before one can be better: see the cautions."
        )
    return "Not ranked: the runs have too few days in common."


def _paired_table(view: CompareView) -> Table | None:
    """Return the best less each other run."""
    if not view.paired or view.best is None:
        return None
    words = dict(zip((run.name for run in view.runs), _long_heads(view), strict=True))
    rows = tuple(
        (
            words[one.name],
            str(one.days),
            "undefined" if one.gain is None else f"{100 * one.gain:+z.2f}%",
            written(one.error, "return"),
            written(one.gain / one.error if one.gain is not None and one.error else None, "ratio"),
        )
        for one in view.paired
    )
    columns = ("Beside", "Days", "The best made more by, a year", "Error", "t")
    note = (
        "The best was chosen after the fact, so chance makes these differences larger than they are: a t of "
        "2 is no evidence."
    )
    caption = f"{words[view.best]}, the highest Sharpe ratio on the common days, less each other run"
    return Table(caption, columns, rows, note=note, sortable=True)


def _small_charts(view: CompareView) -> Chart | None:
    """Return one small chart of growth and fall a run, all with the same axes."""
    if view.common is None:
        return None
    names = [run.name for run in view.runs]
    rest = {name: values for name, values in view.common.curves.items() if name not in names}
    held = next(iter(rest.items()), None)
    runs = dict(zip(_long_heads(view), (view.common.curves[name] for name in names), strict=True))
    ends = [float(values[-1]) for values in runs.values()]
    beside = "" if held is None else f", and {plain(float(held[1][-1]), 2)} in {held[0]}"
    gist = (
        f"{len(runs)} runs on their {len(view.common.days)} common days, all with the same axes: 1 became "
        f"between {plain(min(ends), 2)} and {plain(max(ends), 2)}{beside}."
    )
    return Chart(smalls_drawing("common", gist, view.common.days, runs, held), gist)


def _long_heads(view: CompareView) -> tuple[str, ...]:
    return tuple(f"{letter}: {_called(run)}" for letter, run in _letters(view))


def _letters(view: CompareView) -> list[tuple[str, RunView]]:
    return [(_letter(i), run) for i, run in enumerate(view.runs)]


def _letter(i: int) -> str:
    return chr(ord("A") + i) if i < 26 else f"R{i + 1}"


def _called(run: RunView) -> str:
    return f"{run.symbol} {run.model}" + (" backtest" if run.kind == "backtest" else "")


def _heads(view: CompareView) -> tuple[str, ...]:
    """Return what columns are called: of many runs their letters alone, so that more of them fit."""
    if len(view.runs) > MOST_NAMED:
        return tuple(letter for letter, _ in _letters(view))
    return _long_heads(view)


def _overview_table(view: CompareView) -> Table:
    facts = (
        ("Status", [run.status for run in view.runs]),
        ("Health", [", ".join(run.health.codes) if run.health else "not measured" for run in view.runs]),
        ("Doctor", [run.diagnosis.cause if run.diagnosis else "not applicable" for run in view.runs]),
        ("Audit", [run.audit.text() if run.audit else "none" for run in view.runs]),
        ("Kind", [run.kind for run in view.runs]),
        ("Recipe", [run.recipe for run in view.runs]),
        ("Test days (of decision)", [_span(run) for run in view.runs]),
        ("Finished", [run.finished_at[:16].replace("T", " ") for run in view.runs]),
    )
    rows = tuple((name, *texts) for name, texts in facts)
    return Table("Status, health and days of each run", ("Fact", *_heads(view)), rows, prose=True)


def _span(run: RunView) -> str:
    if run.equity is None or run.equity.decided is None:
        return "not readable"
    first, last = run.equity.decided
    return f"{len(run.equity.days)}, {first} to {last}"


def _row(label: str, values: Sequence[float | None], unit: Unit, better: Better) -> tuple[str, ...]:
    """Return one row, the best value marked in words where there is one."""
    texts = [written(value, unit) for value in values]
    known = [value for value in values if value is not None and np.isfinite(value)]
    if better == "neither" or len(known) < 2 or len(set(texts)) == 1:
        return (label, *texts)
    best = max(known) if better == "higher" else min(known)
    shown = written(best, unit)
    return (label, *(f"{text} (best)" if text == shown else text for text in texts))


def _marked(view: CompareView) -> bool:
    """Whether one run can be called the best over its own days."""
    return view.same_days and view.alike


def _side_by_side(view: CompareView) -> Table:
    names = dict.fromkeys(figure.name for run in view.runs for figure in run.figures)
    rows = []
    for name in names:
        found = [run.figure(name) for run in view.runs]
        first = next(figure for figure in found if figure is not None)
        values = [None if figure is None else figure.value for figure in found]
        marked = _marked(view) and name not in BASELINE_FIGURES
        row = _row(name, values, first.unit, first.better if marked else "neither")
        texts = ("none" if figure is None else text for figure, text in zip(found, row[1:], strict=True))
        rows.append((name, *texts))
    return Table("Final metrics, over each run's own days", ("Figure", *_heads(view)), tuple(rows))


def _scores_side_by_side(view: CompareView) -> Table:
    names = dict.fromkeys(score.name for run in view.runs for score in run.scores)
    rows = []
    for name in names:
        score = next(s for run in view.runs for s in run.scores if s.name == name)
        values = [run.score(name).get(STRATEGY) for run in view.runs]
        label = view.runs[0].labels.get(name, name)
        rows.append(_row(label, values, score.unit, score.better if _marked(view) else "neither"))
    return Table(
        "Scorecard of the strategies, over each run's own days", ("Figure", *_heads(view)), tuple(rows)
    )


def _common_table(view: CompareView) -> Table | None:
    """Return one row a run, and one of what was held, on the days that all runs have."""
    if not view.common_figures or view.common is None:
        return None
    names = [run.name for run in view.runs]
    columns = []
    for score in view.common_figures:
        values = [dict(score.values).get(name) for name in names]
        columns.append(_row(score.name, values, score.unit, score.better if view.alike else "neither"))
    rows = [(called, *(column[1 + i] for column in columns)) for i, called in enumerate(_long_heads(view))]
    for name, wealth in view.common.curves.items():
        if name not in names:
            fall = written(abs(float(drawdown(wealth).min())), "share")
            rows.append((name, "", written(float(wealth[-1]) - 1.0, "return"), fall))
    heads = ("Run", *(score.name for score in view.common_figures))
    caption = f"On the {len(view.common.days)} common days alone"
    return Table(caption, heads, tuple(rows), note=view.common_note, sortable=True)


def _ranks_table(view: CompareView) -> Table | None:
    """Return the rank correlations that any run has, each with its error."""
    if view.ranks is None:
        return None
    known = [{} if own is None else {(one.kind, one.name): one for one in own.ics} for own in view.ranks.own]
    keys = [key for key in dict.fromkeys(key for of in known for key in of) if key[0] != "year"]
    rows = tuple(
        (ic_name(next(of[key] for of in known if key in of)), *(_with_error(of.get(key)) for of in known))
        for key in keys
    )
    if not rows:
        return None
    note = "Rank IC ± one standard error, over each run's own days and symbols."
    return Table(
        "Mean daily rank correlation of scores with outcomes", ("Rank IC", *_heads(view)), rows, note=note
    )


def _with_error(one: RankIC | None) -> str:
    if one is None:
        return "none"
    return f"{written(one.mean, 'return')} ± {written(one.error, 'return')}"


def _ranks_common_table(view: CompareView) -> Table | None:
    if view.ranks is None or not view.ranks.common:
        return None
    first, *others = _heads(view)
    rows = tuple((head, *rival_cells(one)) for head, one in zip(others, view.ranks.common, strict=True))
    columns = ("Beside", "Days", "Its rank IC", "Error", "A more by", "Error", "t")
    note = "Difference and error are of the same days and symbols: the news that both share falls out of it."
    return Table(f"{first} less each other run, on common days and symbols", columns, rows, note=note)


def _wide(caption: str, view: CompareView, pairs: Sequence[tuple[str, tuple[str, ...]]]) -> Table | None:
    rows = tuple((name, *texts) for name, texts in pairs)
    return Table(caption, ("Name", *_heads(view)), rows, prose=True) if rows else None


def _years_side_by_side(view: CompareView) -> Table | None:
    years = sorted({year.year for run in view.runs for year in run.years})
    if not years:
        return None
    known = [{year.year: year for year in run.years} for run in view.runs]
    rows = tuple(
        _row(
            str(year),
            [of[year].strategy if year in of else None for of in known],
            "return",
            "higher" if _marked(view) else "neither",
        )
        for year in years
    )
    rows = tuple(
        (row[0], *("no days" if year not in of else text for text, of in zip(row[1:], known, strict=True)))
        for row, year in zip(rows, years, strict=True)
    )
    return Table("Net return of the strategies, by year", ("Year", *_heads(view)), rows)
