"""From a stored run to what its page shows: the run folder, the log and the findings, gathered.

Nothing is measured anew but the wealth of the baselines, which a run folder does not keep: it is simulated
by the backtest's own rules, on the strategy's own days.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import reduce
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import polars as pl

from geiger.backtest import LABELS, STRATEGY, Costs, sharpe, simulate
from geiger.backtest.figures import max_drawdown, total_return
from geiger.checks.base import Finding
from geiger.checks.comparing import NO_EVIDENCE, cautions
from geiger.columns import STACK_WEIGHTS, WEIGHTS, require
from geiger.errors import DataError, SettingError
from geiger.files import read_frame
from geiger.market.calendar import market_of
from geiger.records import (
    Checkpoint,
    Epoch,
    Figure,
    FoldResult,
    FoldScore,
    Notice,
    Outcome,
    Rival,
    Rung,
    Score,
    Year,
)
from geiger.report.view import (
    CompareView,
    DiagnosisView,
    Equity,
    Floats,
    HealthView,
    Pairing,
    Pairs,
    RunView,
    Weights,
)
from geiger.runlog import RunLog, read_log
from geiger.runlog.facts import clean, clean_setting, cleaned
from geiger.runs.folder import StoredRun
from geiger.settings.models import SECTIONS

HELD = "buy and hold"
MATCHED = "volatility-matched buy and hold"

Record = TypeVar("Record")
Read = TypeVar("Read")


def log_of(stored: StoredRun, log_dir: Path) -> Path | None:
    """Return the log of a run: in `log_dir`, or else where the run was told to write it; None without one."""
    said = stored.facts.get("log")
    places = [log_dir / f"{stored.name}.log", *([Path(said)] if isinstance(said, str) else [])]
    return next((place for place in places if place.is_file()), None)


def view_of(stored: StoredRun, log: Path | None = None, findings: Sequence[Finding] | None = None) -> RunView:
    """Return what the page of one run shows.

    Parameters
    ----------
    log : path, optional
        The run's log, which alone has the epochs.
    findings : sequence of Finding, optional
        Of the analyzer, about this run; None where it was not asked.

    Raises
    ------
    DataError
        The record of the run cannot be read. Frames that cannot be read only leave a gap on the page.
    """
    try:
        return _view(stored, log, findings)
    except (
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
        SettingError,
    ) as error:
        why = clean(f"{type(error).__name__}: {error}")
        raise DataError(f"{stored.folder / 'run.json'}: cannot be read ({why}); train again") from None


def compare(stored: Sequence[StoredRun], views: Sequence[RunView]) -> CompareView:
    """Return what the page of several runs shows; `views` are theirs, in the same order.

    Raises
    ------
    SettingError
        Fewer than two runs, or one named twice.
    """
    names = [run.name for run in stored]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise SettingError("report --compare: name at least two runs, each of them once")
    ledgers = [ledger for run in stored if (ledger := _kept(run.ledger, [])) is not None]
    complete = len(ledgers) == len(stored)
    shared = _shared(ledgers) if complete else None
    if shared is not None and len(shared) < 2:
        shared = None
    same_days = shared is not None and all(len(ledger) == len(shared) for ledger in ledgers)
    days_per_year, note = (252, "") if shared is None else _common_year(views, shared)
    return CompareView(
        runs=tuple(views),
        same_days=same_days,
        alike=all(
            len(set(known)) == 1 and None not in known for known in _conditions(stored, views).values()
        ),
        cautions=_cautions(stored, views, same_days),
        common=None if shared is None else _common_equity(views, shared),
        common_figures=() if shared is None else _common_figures(stored, views, shared, days_per_year),
        common_note=note,
        differences=_differing([(*view.settings, *view.idle_settings) for view in views]),
        origins=_differing([(*view.data, *view.environment) for view in views], keep_all=True),
    )


def _view(stored: StoredRun, log: Path | None, findings: Sequence[Finding] | None) -> RunView:
    facts, gaps = stored.facts, list[str]()
    results = facts["results"]
    ledger = _kept(stored.ledger, gaps)
    forecasts = _kept(stored.forecasts, gaps)
    model, kind = str(facts["model"]), str(facts.get("kind", "train"))
    settings, idle = _settings(facts.get("config", {}), model, stack=results.get("rivals"))
    read = None if log is None else _kept(lambda: read_log(log), gaps)
    epochs, missing = _epochs(read, model, kind, facts)
    costs, days_per_year = _costs(facts), _days_per_year(facts)
    return RunView(
        name=clean(stored.name),
        symbol=clean(facts["symbol"]),
        model=clean(model),
        kind=clean(kind),
        recipe=clean(facts.get("config", {}).get("recipe", "not named")),
        status=clean(facts["status"]),
        verdict=clean(facts.get("verdict", "not evaluated")),
        finished_at=clean(facts.get("finished_at", "not recorded")),
        days_per_year=days_per_year,
        forecasts_of=None if facts.get("forecasts_of") is None else clean(facts["forecasts_of"]),
        health=_health(results.get("health")),
        diagnosis=_diagnosis(results.get("diagnosis")),
        notices=_records(Notice, facts.get("warnings", ())),
        figures=_records(Figure, results["figures"]),
        checkpoints=_records(Checkpoint, results["checkpoints"], outcome=Outcome),
        rungs=_records(Rung, results["ladder"]),
        scores=_records(Score, results["scores"], values=_values),
        labels=LABELS,
        years=_records(Year, results["years"]),
        folds=_records(FoldScore, results["folds"]) if "folds" in results else None,
        trained=_records(FoldResult, facts.get("folds", ()), rounds=tuple),
        rivals=_records(Rival, results.get("rivals", ())),
        equity=None if ledger is None else _kept(lambda: _equity(ledger, costs, days_per_year), gaps),
        pairing=None if forecasts is None else _pairing(forecasts),
        epochs=epochs,
        epochs_missing=missing,
        weights=_kept(lambda: _weights(stored), gaps),
        findings=None if findings is None else tuple(_clean_finding(finding) for finding in findings),
        data=_flat(facts.get("data", {})),
        settings=settings,
        idle_settings=idle,
        environment=_flat(facts.get("environment", {})),
        gaps=tuple(gaps),
    )


def _kept(read: Callable[[], Read], gaps: list[str]) -> Read | None:
    """Read, or note why that was not possible."""
    try:
        return read()
    except DataError as error:
        gaps.append(clean(error))
        return None


def _records(kind: type[Record], rows: Iterable[Any], **convert: Callable[[Any], Any]) -> tuple[Record, ...]:
    """Return rows of JSON as records, their texts cleaned; fields that newer versions add are passed over.

    Raises
    ------
    TypeError
        A value is not what its field holds.
    """
    hints = _hints(kind)
    found = []
    for row in rows:
        values = {k: convert.get(k, _same)(v) for k, v in row.items() if k in hints}
        for name, value in values.items():
            if not _fits(value, hints[name]):
                raise TypeError(f"{name} of a {kind.__name__} cannot be {repr(value)[:60]}")
        found.append(cleaned(kind(**values)))  # type: ignore[type-var]
    return tuple(found)


def _hints(kind: type[Any]) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value of JSON is of the type that a field of a record declares."""
    options = get_args(hint)
    if get_origin(hint) is UnionType:
        return any(_fits(value, option) for option in options)
    if get_origin(hint) is Literal:
        return isinstance(value, str) and value in options
    if get_origin(hint) is tuple:
        each = [options[0]] * len(value) if options[-1] is Ellipsis else options
        return len(each) == len(value) and all(map(_fits, value, each))
    if isinstance(value, bool):
        return hint is bool
    if hint in (int, float) and isinstance(value, int):
        return abs(value) < 2**63
    return isinstance(value, hint)


def _number(value: Any) -> float | None:
    if not _fits(value, float | None):
        raise TypeError(f"no number: {repr(value)[:60]}")
    return None if value is None else float(value)


def _same(value: Any) -> Any:
    return value


def _values(pairs: Iterable[Sequence[Any]]) -> tuple[tuple[str, float | None], ...]:
    return tuple((str(name), value) for name, value in pairs)


def _health(facts: Any) -> HealthView | None:
    if facts is None:
        return None
    codes = (facts["code"], *facts.get("also", ()))
    return HealthView(
        tuple(clean(code) for code in codes), clean(facts["meaning"]), _number(facts.get("beta"))
    )


def _diagnosis(facts: Any) -> DiagnosisView | None:
    if facts is None:
        return None
    evidence = tuple(clean(line) for line in facts["evidence"])
    return DiagnosisView(clean(facts["cause"]), clean(facts["text"]), evidence)


def _clean_finding(finding: Finding) -> Finding:
    return replace(cleaned(finding), evidence=tuple(cleaned(evidence) for evidence in finding.evidence))


def _epochs(
    log: RunLog | None, model: str, kind: str, facts: Mapping[str, Any]
) -> tuple[tuple[Epoch, ...], str | None]:
    """Return the epochs of a run, or why it has none."""
    if kind == "backtest":
        source = clean(facts.get("forecasts_of", "another run"))
        return (), f"Not applicable: a backtest trains nothing; the forecasts are those of {source}."
    if model == "stack":
        return (
            (),
            "Not applicable: a stack weighs the forecasts of its base models; each has a run of its own.",
        )
    if model == "ridge":
        return (), "Not applicable: ridge has no epochs: its log lists one row for each penalty tried."
    if log is None:
        return (
            (),
            "The log of this run was not found, and only it has the epochs; name its folder with --log-dir.",
        )
    if not log.epochs:
        return (), "The log holds no epochs."
    return log.epochs, None


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


def _split(weight: float) -> str:
    """Say where the equity of a constant weight lies.

    >>> _split(0.4)
    'a constant 40% of equity in the asset and the rest in cash'
    >>> _split(1.5)
    'a constant 150% of equity in the asset, 50% of it borrowed'
    """
    percent = round(100 * weight)
    rest = f", {percent - 100}% of it borrowed" if percent > 100 else " and the rest in cash"
    return f"a constant {percent}% of equity in the asset{rest}"


def _days_per_year(facts: Mapping[str, Any]) -> int:
    """Return the days that made a year of the run; those of its symbol's market where it is older."""
    stored = facts.get("days_per_year")
    if stored is None:
        return market_of(str(facts["symbol"])).days_per_year
    if not _fits(stored, int) or not 1 <= stored <= 366:
        raise ValueError(f"days_per_year cannot be {repr(stored)[:60]}")
    return int(stored)


def _costs(facts: Mapping[str, Any]) -> Costs:
    trading = facts.get("config", {}).get("trading", {})
    return Costs(**{f.name: float(trading[f.name]) for f in fields(Costs) if f.name in trading})


def _pairing(forecasts: pl.DataFrame) -> Pairing:
    known = forecasts.drop_nulls("outcome")
    return Pairing(known["forecast"].to_numpy(), known["outcome"].to_numpy())


def _weights(stored: StoredRun) -> Weights | None:
    path = stored.folder / "weights.parquet"
    if not path.exists():
        return None
    table = require(read_frame(path), STACK_WEIGHTS)
    models = table["model"].unique(maintain_order=True).to_list()
    wide = table.pivot("model", index="day", values="weight", maintain_order=True).sort("day")
    columns = {clean(model): wide[model].cast(pl.Float64).fill_null(np.nan).to_numpy() for model in models}
    return Weights(tuple(wide["day"].to_list()), columns)


def _settings(config: Mapping[str, Any], model: str, stack: Any) -> tuple[Pairs, Pairs]:
    """Split the settings into those that shaped this run and those of models it did not use."""
    members = config.get("stack", {}).get("models", ()) if model == "stack" or stack else ()
    used = {model, *members, *(["stack"] if members else [])}
    shaping = {name: value for name, value in config.items() if name not in SECTIONS or name in used}
    idle = {name: value for name, value in config.items() if name not in shaping}
    return _flat(shaping), _flat(idle)


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


def _shared(ledgers: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the days that all ledgers have, with the exit day of the first and the net return of each."""
    parts = [
        ledger.select("day", pl.col("net").alias(f"net{i}"), pl.col("asset_return").alias(f"asset{i}"))
        for i, ledger in enumerate(ledgers)
    ]
    joined = reduce(lambda left, right: left.join(right, on="day", how="inner", maintain_order="left"), parts)
    return joined.join(ledgers[0].select("day", "exit_day"), on="day", how="left", maintain_order="left")


def _conditions(stored: Sequence[StoredRun], views: Sequence[RunView]) -> dict[str, list[Any]]:
    """Return, of each run, what must be equal before one run can be called better than another."""
    hashes = [run.facts.get("data", {}).get("data_hash") for run in stored]
    fills = [run.facts.get("fill") for run in stored]
    return {
        "Symbol": [view.symbol for view in views],
        "Data Hash": [None if one is None else str(one) for one in hashes],
        "Fill": [None if one is None else str(one) for one in fills],
        "Cost": [_costs(run.facts) for run in stored],
    }


def _cautions(stored: Sequence[StoredRun], views: Sequence[RunView], same_days: bool) -> tuple[str, ...]:
    """Say what stands in the way of reading the figures side by side, as `geiger logs compare` does."""
    known = _conditions(stored, views)
    folds = [
        None if view.folds is None else tuple((one.first, one.last) for one in view.folds) for view in views
    ]
    differing = {name for name, values in {**known, "Folds": folds}.items() if len(set(values)) > 1}
    if not same_days:
        differing.add("Days")
    return (*cautions(differing), NO_EVIDENCE)


def _common_year(views: Sequence[RunView], shared: pl.DataFrame) -> tuple[int, str]:
    """Return how many common days make a year, and a sentence on it."""
    own = {view.days_per_year for view in views}
    if len(own) == 1:
        (days,) = own
        return days, f"A year is {days} days, as each run counts it."
    first, last = shared["day"][0], shared["day"][-1]
    days = max(1, round((len(shared) - 1) * 365.25 / (last - first).days))
    return days, f"The runs count a year differently; here it is {days} days, as many as are common in one."


def _common_equity(views: Sequence[RunView], shared: pl.DataFrame) -> Equity:
    curves: dict[str, Floats] = {view.name: _grown(shared[f"net{i}"]) for i, view in enumerate(views)}
    notes = ["Each run starts from 1 at the first common day; its trades are those of its own ledger."]
    if len({view.symbol for view in views}) == 1:
        curves[f"{HELD} (gross)"] = _grown(shared["asset0"])
        notes.append(f"{HELD.capitalize()} (gross): the asset itself on the common days, without any cost.")
    return Equity(tuple(shared["exit_day"].to_list()), curves, tuple(notes))


def _grown(returns: pl.Series) -> Floats:
    return np.asarray(np.cumprod(1.0 + returns.to_numpy()), np.float64)


def _common_figures(
    stored: Sequence[StoredRun], views: Sequence[RunView], shared: pl.DataFrame, days_per_year: int
) -> tuple[Score, ...]:
    nets = {view.name: shared[f"net{i}"].to_numpy() for i, view in enumerate(views)}
    cash = {view.name: _costs(run.facts).cash_yield for run, view in zip(stored, views, strict=True)}
    return (
        Score(
            "Sharpe ratio",
            "ratio",
            "higher",
            tuple((name, sharpe(net, days_per_year, cash[name])) for name, net in nets.items()),
        ),
        Score(
            "Growth, net", "return", "higher", tuple((name, total_return(net)) for name, net in nets.items())
        ),
        Score(
            "Max drawdown", "share", "lower", tuple((name, max_drawdown(net)) for name, net in nets.items())
        ),
    )


def _differing(tables: Sequence[Pairs], *, keep_all: bool = False) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the names whose texts differ between the tables; with `keep_all` the rest after them."""
    known = [dict(table) for table in tables]
    names = dict.fromkeys(name for table in known for name in table)
    rows = [(name, tuple(table.get(name, "not recorded") for table in known)) for name in names]
    differing = [row for row in rows if len(set(row[1])) > 1]
    return tuple([*differing, *(row for row in rows if row not in differing)] if keep_all else differing)
