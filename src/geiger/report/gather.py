"""From a stored run to what its page shows: the run folder, the log and the findings, gathered.

Nothing is measured anew but the wealth of the baselines, which a run folder does not keep: it is simulated
by the backtest's own rules, on the strategy's own days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import polars as pl

from geiger.backtest.costs import Costs
from geiger.backtest.scorecard import LABELS
from geiger.backtest.simulate import simulate
from geiger.checks.base import Finding
from geiger.cleaning import clean, clean_setting, cleaned
from geiger.codec import fitted, plain
from geiger.columns import IMPORTANCES, STACK_WEIGHTS, WEIGHTS, require
from geiger.command_line import Folders
from geiger.errors import DataError, SettingError
from geiger.evidence.error_rates import Rate, tables
from geiger.figures import STRATEGY
from geiger.files import read_frame
from geiger.market.calendar import market_of
from geiger.records import Diagnosis, Epoch, Health
from geiger.report.paths import alone_of, importances_of, paths_of, rolling_ic
from geiger.report.view import (
    DiagnosisView,
    Equity,
    HealthView,
    Importance,
    Pairing,
    Pairs,
    PathView,
    RunView,
    Weights,
)
from geiger.runlog import RunLog, read_log
from geiger.runlog.verdict import verdict_lines
from geiger.runlog.wording import how_to_audit
from geiger.runs.folder import StoredRun
from geiger.runs.gist import Gist, gist_of
from geiger.runs.record import RECORD, OwnParts, RunRecord
from geiger.settings.models import SECTIONS, STACK

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

USUAL = Folders()
PANEL = "panel"  # the section of settings that shapes panels alone
HELD = "buy and hold"
MATCHED = "volatility-matched buy and hold"
EQUAL = "equal weight"  # what a panel stands beside
MATCHED_EQUAL = "volatility-matched equal weight"

Record = TypeVar("Record", bound="DataclassInstance")
Read = TypeVar("Read")


def log_of(stored: StoredRun, log_dir: Path) -> Path | None:
    """Return the log of a run: in `log_dir`, or else where the run was told to write it; None without one."""
    said = stored.record.log
    places = [log_dir / f"{stored.name}.log", *([] if said is None else [Path(said)])]
    return next((place for place in places if place.is_file()), None)


def view_of(
    stored: StoredRun,
    log: Path | None = None,
    findings: Sequence[Finding] | None = None,
    *,
    known: RunLog | None = None,
    folders: Folders = USUAL,
) -> RunView:
    """Return what the page of one run shows.

    Parameters
    ----------
    log : path, optional
        The run's log, which alone has the epochs.
    findings : sequence of Finding, optional
        Of the analyzer, about this run; None where it was not asked.
    known : RunLog, optional
        What the log says, where the caller has read it.
    folders : Folders
        Those that command lines on the page have to name.

    Raises
    ------
    DataError
        The record of the run cannot be read. Frames that cannot be read only leave a gap on the page.
    """
    try:
        return _view(stored, log, findings, known, folders)
    except (
        ValueError,
        RecursionError,
        SettingError,
    ) as error:  # settings are kept as written
        why = clean(f"{type(error).__name__}: {error}")
        raise DataError(f"{stored.folder / RECORD}: cannot be read ({why}); train again") from None


def _view(
    stored: StoredRun,
    log: Path | None,
    findings: Sequence[Finding] | None,
    known: RunLog | None,
    folders: Folders,
) -> RunView:
    record, results, gaps = stored.record, stored.record.results, list[str]()
    panel = bool(record.members)
    ledger = kept(stored.ledger, gaps)
    forecasts = None if panel else kept(stored.forecasts, gaps)  # a panel's page reads them itself
    settings, idle = _settings(record)
    read = known
    if read is None and log is not None:
        read = kept(lambda: read_log(log), gaps)
    epochs = _epochs(read, record, [] if log is not None or known is not None else gaps)
    costs, days_per_year = costs_of_run(stored), _days_per_year(record)

    def wealth() -> Equity | None:
        if ledger is None or ledger.is_empty():
            return None
        return _panel_equity(ledger) if panel else _equity(ledger, costs, days_per_year)

    equity = kept(wealth, gaps)
    return RunView(
        **_named(stored),
        how_to_audit=clean(how_to_audit(stored.trained, record.own.kinds, folders)),
        days_per_year=days_per_year,
        health=_health(results.health),
        diagnosis=_diagnosis(results.diagnosis),
        notices=_cleaned(record.warnings),
        figures=_cleaned(results.figures),
        checkpoints=_cleaned(results.checkpoints),
        rungs=_cleaned(results.ladder),
        scores=_cleaned(results.scores),
        labels=LABELS,
        years=_cleaned(results.years),
        folds=None if results.folds is None else _cleaned(results.folds),
        trained=_cleaned(record.folds),
        rivals=_cleaned(results.rivals),
        equity=equity,
        pairing=None if forecasts is None else _pairing(forecasts),
        epochs=epochs,
        weights=kept(lambda: _weights(stored), gaps),
        findings=None if findings is None else tuple(_clean_finding(finding) for finding in findings),
        data=_flat({**record.data.as_dict(), **_own(record.own)}),
        settings=settings,
        idle_settings=idle,
        environment=_flat(plain(record.environment)),
        gist=_gist(record, folders),
        paths=kept(lambda: _paths(ledger, forecasts, equity, costs, days_per_year), gaps) or PathView(),
        importances=kept(lambda: _importances(stored), gaps) or (),
        gates=_gates(record),
        gaps=tuple(gaps),
    )


def _named(stored: StoredRun) -> dict[str, Any]:
    """Return what a run is called and what was said of it, by the names of a view."""
    record = stored.record
    return {
        "name": clean(stored.name),
        "symbol": clean(record.symbol),
        "model": clean(record.model),
        "kind": record.kind,
        "recipe": clean(record.config.get("recipe", "not named")),
        "status": record.status,
        "verdict": tuple(map(clean, verdict_lines(record.verdict))),
        "finished_at": clean(record.finished_at or "not recorded"),
        "audit": None if record.audit is None else cleaned(record.audit),
        "forecasts_of": None if record.forecasts_of is None else clean(record.forecasts_of),
    }


def _gist(record: RunRecord, folders: Folders) -> Gist:
    """Return the answer first, without the one command that leads to this very page."""
    gist = gist_of(record, folders)
    texts = tuple((clean(name), clean(text)) for name, text in gist.facts)
    here = gist.next.startswith("geiger report ")
    return replace(cleaned(gist), facts=texts, next="" if here else gist.next)


def _paths(
    ledger: pl.DataFrame | None,
    forecasts: pl.DataFrame | None,
    equity: Equity | None,
    costs: Costs,
    days_per_year: int,
) -> PathView:
    """Return what ledger and forecasts show beyond their figures; a panel's ledger is no single position."""
    if ledger is None or equity is None or len(ledger) < 2:
        return PathView()
    name = HELD if HELD in equity.curves else EQUAL
    held = equity.curves[name]
    returns = np.diff(held, prepend=1.0) / np.concatenate(([1.0], held[:-1]))
    paths = paths_of(ledger, returns, name, costs, days_per_year)
    if name == EQUAL:
        return paths
    paths = alone_of(ledger, costs, days_per_year, paths)
    if forecasts is None:
        return paths
    known = forecasts.drop_nulls("outcome")
    values = known["forecast"].to_numpy(), known["outcome"].to_numpy()
    return replace(paths, rolling_ic=rolling_ic(*values, known["known_on"].to_list(), days_per_year))


def _importances(stored: StoredRun) -> tuple[Importance, ...]:
    path = stored.folder / "importances.parquet"
    if not path.exists():
        return ()
    found = importances_of(require(read_frame(path), IMPORTANCES))
    return tuple(cleaned(one) for one in found)


def _gates(record: RunRecord) -> tuple[Rate, ...]:
    """Return how often chance passes the gates of the plan, of the very table that the verdict speaks from.

    Whether a run's settings are those that were measured is the verdict's to say.
    """
    said = "" if record.verdict is None else record.verdict.rates
    found = next((one for one in tables() if said and one.model == record.model and one.text() == said), None)
    return () if found is None else found.gates


def kept(read: Callable[[], Read], gaps: list[str]) -> Read | None:
    """Read, or note why that was not possible."""
    try:
        return read()
    except DataError as error:
        gaps.append(clean(error))
        return None


def _cleaned(rows: Iterable[Record]) -> tuple[Record, ...]:
    return tuple(cleaned(row) for row in rows)


def _health(health: Health | None) -> HealthView | None:
    if health is None:
        return None
    return HealthView(health.codes, clean(health.meaning), health.beta)


def _diagnosis(found: Diagnosis | None) -> DiagnosisView | None:
    if found is None:
        return None
    return DiagnosisView(found.cause, clean(found.text), tuple(clean(line) for line in found.evidence))


def _clean_finding(finding: Finding) -> Finding:
    return replace(cleaned(finding), evidence=tuple(cleaned(evidence) for evidence in finding.evidence))


def _epochs(log: RunLog | None, record: RunRecord, gaps: list[str]) -> tuple[Epoch, ...]:
    """Return the epochs of a run; a log that is gone is a gap only of a model that has epochs."""
    if record.forecasts_of is not None or record.model in (STACK, "ridge"):
        return ()
    if log is None:
        gaps.append("the log, and only it has the epochs; name its folder with --log-dir")
        return ()
    return log.epochs


def _equity(ledger: pl.DataFrame, costs: Costs, days_per_year: int) -> Equity:
    """Return the strategy's wealth beside buy-and-hold's, whole and scaled to the same volatility."""

    def path(weight: float) -> pl.DataFrame:
        rows = ledger.select("day", entry_day="fill_day", known_on="exit_day", simple="asset_return")
        weights = ledger.select("day", weight=pl.lit(weight, pl.Float64))
        return simulate(rows, require(weights, WEIGHTS), costs, days_per_year)

    held = path(1.0)
    curves = {STRATEGY: ledger["equity"].to_numpy(), HELD: held["equity"].to_numpy()}
    notes = [f"{HELD.capitalize()}: bought once and sold at the end, net of the cost of both trades."]
    net, market = ledger["net"].to_numpy(), held["net"].to_numpy()
    if len(ledger) > 1 and market.std() > 0 and net.std() > 0:
        weight = float(net.std(ddof=1) / market.std(ddof=1))
        curves[MATCHED] = path(weight)["equity"].to_numpy()
        notes.append(
            f"{MATCHED.capitalize()}: {_split(weight)}, "
            "net of rebalancing, so that its volatility over the whole sample is the strategy's; a yardstick "
            "that knows the whole sample, not a strategy."
        )
    decided = (ledger["day"][0], ledger["day"][-1])
    return Equity(tuple(ledger["exit_day"].to_list()), curves, tuple(notes), decided)


def _panel_equity(ledger: pl.DataFrame) -> Equity:
    """Return a portfolio's wealth beside that of all symbols alike, whole and scaled to its volatility."""
    net, even = ledger["net"].to_numpy(), ledger["asset_return"].to_numpy()
    curves = {STRATEGY: ledger["equity"].to_numpy(), EQUAL: np.cumprod(1.0 + even)}
    notes = [f"{EQUAL.capitalize()}: all symbols of the day alike, set anew every day, free of cost."]
    if len(ledger) > 1 and even.std() > 0 and net.std() > 0:
        weight = float(net.std(ddof=1) / even.std(ddof=1))
        curves[MATCHED_EQUAL] = np.cumprod(1.0 + weight * even)
        notes.append(
            f"{MATCHED_EQUAL.capitalize()}: {_split(weight, 'the symbols')}, free of cost, so that its "
            "volatility over the whole sample is the strategy's; a yardstick that knows the whole sample, "
            "not a strategy."
        )
    decided = (ledger["day"][0], ledger["day"][-1])
    return Equity(tuple(ledger["exit_day"].to_list()), curves, tuple(notes), decided)


def _split(weight: float, asset: str = "the asset") -> str:
    """Say where the equity of a constant weight lies.

    >>> _split(0.4)
    'a constant 40% of equity in the asset and the rest in cash'
    >>> _split(1.5)
    'a constant 150% of equity in the asset, 50% of it borrowed'
    """
    percent = round(100 * weight)
    rest = f", {percent - 100}% of it borrowed" if percent > 100 else " and the rest in cash"
    return f"a constant {percent}% of equity in {asset}{rest}"


def _days_per_year(record: RunRecord) -> int:
    """Return the days that made a year of the run; those of its symbol's market where it is older."""
    return record.days_per_year or market_of(record.symbol).days_per_year


def costs_of_run(stored: StoredRun) -> Costs:
    """Return the rates that a run traded at."""
    return fitted(stored.record.config.get("trading", {}), Costs)


def _pairing(forecasts: pl.DataFrame) -> Pairing:
    known = forecasts.drop_nulls("outcome")
    return Pairing(known["forecast"].to_numpy(), known["outcome"].to_numpy())


def _weights(stored: StoredRun) -> Weights | None:
    path = stored.folder / "weights.parquet"
    if not path.exists():
        return None
    table = require(read_frame(path), STACK_WEIGHTS)
    if table.select("day", "model").is_duplicated().any():
        raise DataError(f"{path}: two blocks begin on one day; train again")
    models = table["model"].unique(maintain_order=True).to_list()
    wide = table.pivot("model", index="day", values="weight", maintain_order=True).sort("day")
    columns = {clean(model): wide[model].cast(pl.Float64).fill_null(np.nan).to_numpy() for model in models}
    return Weights(tuple(wide["day"].to_list()), columns)


@dataclass(frozen=True)
class _Members:
    """What the settings of a stack say of its base models."""

    models: tuple[str, ...] = ()


def _settings(record: RunRecord) -> tuple[Pairs, Pairs]:
    """Split the settings into those that shaped this run and those of models it did not use."""
    config, model = record.config, record.model
    stacked = model == STACK or record.results.rivals
    members = fitted(config.get(STACK, {}), _Members).models if stacked else ()
    used = {model, *members, *([STACK] if members else []), *([PANEL] if record.members else [])}
    shaping = {
        name: value for name, value in config.items() if name not in {*SECTIONS, PANEL} or name in used
    }
    idle = {name: value for name, value in config.items() if name not in shaping}
    return _flat(shaping), _flat(idle)


def _own(own: OwnParts) -> dict[str, Any]:
    """Return what was the user's own, for the table of the data; nothing where nothing was."""
    parts = {name: part for name, part in plain(own).items() if part is not None}
    return {
        f"own {name}": {key: value for key, value in part.items() if value} for name, part in parts.items()
    }


def _flat(facts: Mapping[str, Any], above: str = "") -> Pairs:
    """Return nested facts as pairs of text, under dotted names."""
    found: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{above}{name}.")
        else:
            found.append(clean_setting(f"{above}{name}", _plain(value)))
    return tuple(found)


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value) or "none"
    return str(value)
