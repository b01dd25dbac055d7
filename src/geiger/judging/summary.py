"""What many runs come to: one sorted table, gates beside chance, means over symbols, the best by luck alone.

Symbols share their days, so none of them counts as an independent witness: errors are clustered by day, and
what the best of many shows by luck is drawn with one random factor a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from geiger import metrics
from geiger.evidence.best_of import BestByLuck, best_by_luck
from geiger.evidence.by_day import Daily, error_over_symbols
from geiger.evidence.error_rates import ErrorRates
from geiger.figures import FigureName
from geiger.judging.validate import Asked, Entry, Pooled, stored_runs
from geiger.records import Answer, Outcome, Status, Why
from geiger.runs.folder import StoredRun

RINGS = "Verdict: SIGNAL"
MINIMUM = "minimum"  # of the plan's ladder; error rates name its gates so


@dataclass(frozen=True, kw_only=True)
class Row:
    """One symbol, model and recipe.

    Attributes
    ----------
    answer : str or None
        Of the verdict, with all tries counted; None where there is none.
    correlation, error : float or None
        Of forecast and outcome, out of sample; the error from its influence values.
    sharpe, hold : float or None
        Net Sharpe ratio a year, and that of buying and holding on the same days.
    passed : int or None
        Of the plan's five checkpoints.
    p_value : float or None
        With all tries counted; the table is sorted by it.
    suspect : bool
        Whether its figures are better than daily returns allow, or its audit is red.
    unaudited : bool
        Whether its p rings, and there is no signal before an audit.
    """

    symbol: str
    model: str
    recipe: str
    run: str | None = None
    status: Status | None = None
    answer: str | None = None
    correlation: float | None = None
    error: float | None = None
    days: int | None = None
    sharpe: float | None = None
    hold: float | None = None
    passed: int | None = None
    p_value: float | None = None
    suspect: bool = False
    unaudited: bool = False
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gate:
    """How many runs of a model passed a gate.

    Attributes
    ----------
    chance : float or None
        Measured share of no-skill markets that pass; None where it was not measured for these settings.
    chance_of : int
        Runs for which it was measured.
    """

    name: str
    passed: int
    n: int
    chance: float | None
    chance_of: int


@dataclass(frozen=True, kw_only=True)
class OfModel:
    """A model of a recipe over all symbols.

    Attributes
    ----------
    symbols : int
        Those whose run has a correlation.
    mean, error : float or None
        Mean correlation over them, and its error, clustered by day over `days` days.
    rings, tested : int
        Verdicts whose p with all tries counted lies below `level`, of how many.
    """

    model: str
    recipe: str
    symbols: int
    mean: float | None
    error: float | None
    days: int
    rings: int
    tested: int
    level: float | None
    gates: tuple[Gate, ...]


@dataclass(frozen=True, kw_only=True)
class PooledRow:
    """One model and recipe on all symbols together.

    Attributes
    ----------
    rank_ic, error : float or None
        Mean daily rank correlation of scores with outcomes over the symbols, and its error over days.
    trouble : str or None
        Why there is no run.
    """

    panel: str
    model: str
    recipe: str
    run: str | None = None
    status: Status | None = None
    answer: str | None = None
    sentence: str | None = None
    rank_ic: float | None = None
    error: float | None = None
    days: int | None = None
    p_value: float | None = None
    trouble: str | None = None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a validation found.

    Attributes
    ----------
    pooled : tuple of PooledRow
        Of the symbols together; empty where that was not asked for.
    best : BestByLuck or None
        Of correlations over their errors.
    best_row : Row or None
        Which one that is.
    """

    rows: tuple[Row, ...]
    models: tuple[OfModel, ...]
    best: BestByLuck | None
    best_row: Row | None
    pooled: tuple[PooledRow, ...] = ()


def summarise(asked: Asked, entries: Sequence[Entry], together: Sequence[Pooled] = ()) -> Summary:
    """Return what the finished runs of a validation come to."""
    runs = stored_runs(asked, entries)
    rows = [_row(entry, runs.get(place)) for place, entry in enumerate(entries)]
    rates = {place: entry.rates for place, entry in enumerate(entries)}
    return replace(_summary(rows, runs, rates), pooled=tuple(_pooled(asked, one) for one in together))


def compare(runs: Sequence[StoredRun], failed: Sequence[Row] = ()) -> Summary:
    """Return what finished runs come to side by side; `failed` are rows of those that have none."""
    empty = [
        Row(symbol=one.record.symbol, model=one.record.model, recipe=str(one.record.config.get("recipe", "")))
        for one in runs
    ]
    rows = [*(_filled(row, stored) for row, stored in zip(empty, runs, strict=True)), *failed]
    return _summary(rows, dict(enumerate(runs)), {})


def row_of(stored: StoredRun) -> Row:
    """Return the row of one finished run."""
    return compare([stored]).rows[0]


def _summary(
    rows: Sequence[Row], runs: Mapping[int, StoredRun], rates: Mapping[int, ErrorRates | None]
) -> Summary:
    """Return the summary of rows, by whose place `runs` has what is finished."""
    figures = {place: _daily(stored) for place, stored in runs.items()}
    groups: dict[tuple[str, str], list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault((row.recipe, row.model), []).append(place)
    models = [
        _of_model(
            [rows[place] for place in places],
            [runs[place] for place in places if place in runs],
            [rates.get(place) for place in places if place in runs],
            [figure for place in places if (figure := figures.get(place)) is not None],
        )
        for places in groups.values()
    ]
    known = {place: figure for place, figure in figures.items() if figure is not None}
    best = best_by_luck(list(known.values()))
    ratios = {place: _ratio(rows[place]) for place in known}
    first = max(ratios, key=lambda place: ratios[place], default=None)
    return Summary(
        rows=tuple(sorted(rows, key=_order)),
        models=tuple(models),
        best=best,
        best_row=None if first is None or best is None else rows[first],
    )


def _ratio(row: Row) -> float:
    return row.correlation / row.error if row.correlation is not None and row.error else -np.inf


def _order(row: Row) -> tuple[bool, float, float, str, str, str]:
    p = 1.0 if row.p_value is None else row.p_value
    return row.run is None, p, -_ratio(row), row.symbol, row.recipe, row.model


def _row(entry: Entry, stored: StoredRun | None) -> Row:
    row = Row(symbol=entry.experiment.symbol, model=entry.model, recipe=entry.experiment.config.recipe)
    return replace(row, trouble=entry.error) if stored is None else _filled(row, stored)


def _filled(row: Row, stored: StoredRun) -> Row:
    record, results = stored.record, stored.record.results
    value = {figure.name: figure.value for figure in results.figures}
    health, verdict = results.health, record.verdict
    return replace(
        row,
        run=stored.name,
        status=record.status,
        answer=None if verdict is None else str(verdict.answer),
        correlation=None if health is None else health.rho,
        error=None if health is None else health.rho_error,
        days=None if health is None else health.n,
        sharpe=value.get(FigureName.SHARPE),
        hold=value.get(FigureName.BUY_AND_HOLD_SHARPE),
        passed=sum(point.outcome is Outcome.PASS for point in results.checkpoints),
        p_value=None if verdict is None else verdict.corrected_p,
        suspect=(verdict is not None and bool(verdict.alarms))
        or (record.audit is not None and not record.audit.green),
        unaudited=verdict is not None
        and verdict.corrected_p is not None
        and verdict.corrected_p < verdict.level
        and Why.NOT_AUDITED in {reason.code for reason in verdict.reasons},
    )


def _pooled(asked: Asked, one: Pooled) -> PooledRow:
    row = PooledRow(panel=asked.panel or "", model=one.model, recipe=one.recipe, trouble=one.error)
    if one.run is None:
        return row
    record = asked.runs.load(one.run).record
    verdict, found = record.verdict, record.results.cross_section
    whole = None if found is None else next((ic for ic in found.ics if ic.kind == "all"), None)
    return replace(
        row,
        run=one.run,
        status=record.status,
        answer=None if verdict is None else str(verdict.answer),
        sentence=None if verdict is None else verdict.sentence,
        rank_ic=None if whole is None else whole.mean,
        error=None if whole is None else whole.error,
        days=None if whole is None else whole.days,
        p_value=None if verdict is None else verdict.corrected_p,
    )


def _daily(stored: StoredRun) -> Daily | None:
    """Return the correlation of a run and what each day adds to its error; None where it has none."""
    frame = stored.forecasts()
    pair = frame["forecast"].to_numpy(), frame["outcome"].to_numpy()
    value, influence = metrics.correlation(*pair), metrics.correlation_influence(*pair)
    if value is None or influence is None:
        return None
    return Daily(value, frame["day"].to_physical().to_numpy().astype(np.int64), influence)


def _of_model(
    rows: Sequence[Row],
    runs: Sequence[StoredRun],
    rates: Sequence[ErrorRates | None],
    figures: Sequence[Daily],
) -> OfModel:
    found = error_over_symbols(figures) if figures else None
    verdicts = [one.record.verdict for one in runs]
    tested = [one for one in verdicts if one is not None and one.corrected_p is not None]
    return OfModel(
        model=rows[0].model,
        recipe=rows[0].recipe,
        symbols=len(figures),
        mean=float(np.mean([one.value for one in figures])) if figures else None,
        error=None if found is None else found[0],
        days=0 if found is None else found[1],
        rings=sum(one.corrected_p is not None and one.corrected_p < one.level for one in tested),
        tested=len(tested),
        level=tested[0].level if tested else None,
        gates=_gates(runs, rates),
    )


def _gates(runs: Sequence[StoredRun], rates: Sequence[ErrorRates | None]) -> tuple[Gate, ...]:
    """Return each gate with the runs that pass, beside the share that passes without skill."""
    passes: dict[str, list[bool]] = {}
    for stored in runs:
        results, verdict = stored.record.results, stored.record.verdict
        gates = {point.name: point.outcome is Outcome.PASS for point in results.checkpoints}
        gates |= {f"{MINIMUM} {rung.name}": rung.reached != "none" for rung in results.ladder}
        for name, value in (*gates.items(), ("all of them", all(gates.values()))):
            passes.setdefault(name, []).append(value)
        passes.setdefault(RINGS, []).append(verdict is not None and verdict.answer is Answer.SIGNAL)
    return tuple(_gate(name, values, rates) for name, values in passes.items())


def _gate(name: str, values: Sequence[bool], rates: Sequence[ErrorRates | None]) -> Gate:
    shares = [share for one in rates if one is not None and (share := _share(one, name)) is not None]
    return Gate(
        name=name,
        passed=sum(values),
        n=len(values),
        chance=float(np.mean(shares)) if shares else None,
        chance_of=len(shares),
    )


def _share(rates: ErrorRates, name: str) -> float | None:
    """Return the share of no-skill markets that pass a gate; None where nobody counted."""
    found = rates.pooled if name == RINGS else next((one for one in rates.gates if one.name == name), None)
    return None if found is None or not found.n else found.count / found.n
