"""Is weighing worth it? Every meta-learner beside equal weights and its base models, on the same rows.

The base models are trained once a market, strictly walk-forward, and kept; weighing them takes a second. So
each way of weighing sees the same forecasts, and differences are paired market by market.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from geiger import metrics
from geiger.columns import FORECASTS
from geiger.errors import DataError, GeigerError, TrainingError
from geiger.evidence.by_day import Daily
from geiger.experiment.cut import plan_folds
from geiger.experiment.out_of_fold import Base
from geiger.experiment.stack_tables import EQUAL, RIDGE
from geiger.experiment.stacking import Stacked, stack
from geiger.experiment.walk import walk
from geiger.files import read_frame, write_atomically, write_frame
from geiger.learning.folds import later_folds
from geiger.market.synthetic import Signal
from geiger.models import forecaster_of
from geiger.models.stack import MetaLearner
from geiger.processes import in_processes
from geiger.runs.environment import key_of, threads_at_hand
from geiger.settings import Config, StackSettings, override, recipe, shaping
from geiger.settings.contract import VERSION as FEATURES_VERSION
from geiger.settings.models import LEARNERS
from geiger.studies.markets import MadeMarket, Market
from geiger.studies.tables import NO_DAYS, Estimate, over_made_markets, over_symbols

BASES = LEARNERS
# Long enough for eight folds of base forecasts, of which the last six are weighed.
MADE_TRAIN, MADE_TEST = 1000, 2016
REFIT, WEIGHTS_REFIT, MIN_ROWS = 252, 63, 504
VERSION = 1

_NET = recipe("plan").stack
WEIGHERS: dict[str, MetaLearner] = {
    "equal weights": MetaLearner(StackSettings(meta="equal")),
    "simplex": MetaLearner(StackSettings(meta="simplex")),
    "non-negative least squares": MetaLearner(StackSettings(meta="nnls")),
    "ElasticNet, the plan's, standardised": MetaLearner(_NET),
    "ElasticNet, the plan's, raw returns": MetaLearner(replace(_NET, units="raw")),
    "ElasticNet, alpha 0.1 of the largest": MetaLearner(replace(_NET, alpha_share=0.1)),
    "ElasticNet, alpha 0.3 of the largest": MetaLearner(replace(_NET, alpha_share=0.3)),
}
BASELINE = "equal weights"
PREAMBLE = """\
# Is weighing worth it?

Six base models (ridge, XGBoost, LightGBM, CatBoost, LSTM-Transformer, xLSTM-TS; recipe `default`, one seed,
refitted every {refit} rows), strictly walk-forward. Weights are refitted every {weights} rows on all earlier
out-of-fold forecasts, the first on {rows}. Every line is measured on the same rows; differences are paired
with equal weights, market by market. ± is one standard error: over markets where these are made, and of real
symbols, which share their days, from what each day adds over all of them (clustered by date).

```
{command}
```
"""

BY_DAY = "by_day"  # in a record of a symbol: its days (n,), and candidate -> figure -> influence (n,)

Record = dict[str, Any]


def stack_markets(numbers: int) -> list[MadeMarket]:
    """Return made markets with a signal of each kind, and some without, `numbers` of each."""
    kinds: list[tuple[Signal | None, float]] = [
        *(("volume", 0.02), ("reversal", 0.02), ("interaction", 0.10), ("memory", 0.02), (None, 0.0)),
    ]
    return [MadeMarket(signal, r2, i, MADE_TRAIN, MADE_TEST) for signal, r2 in kinds for i in range(numbers)]


def config_of(market: Market) -> Config:
    """Return the settings of the base models: recipe `default`, one seed, refitted every year."""
    config = override(recipe("default"), {"fill": "next_open", "seeds": 1, **market.changes, "workers": 1})
    changes: Record = {"refit": REFIT, "network_refit": REFIT, "max_folds": None}
    return override(config, changes)


def run(
    markets: Sequence[Market],
    folder: Path,
    *,
    workers: int | None = None,
    on_done: Callable[[Record], None] = lambda record: None,
) -> list[Record]:
    """Train what is missing, weigh all, and return one record a market.

    Parameters
    ----------
    folder : Path
        Where base forecasts are kept; a run that was stopped goes on.
    """
    jobs, found = workers or threads_at_hand(), []
    for record in in_processes(partial(measure, folder=folder), markets, jobs):
        found.append(record)
        on_done(record)
    return found


def measure(market: Market, folder: Path) -> Record:
    """Return what each way of weighing, and each base model, was worth on one market."""
    config = config_of(market)
    record: Record = {"market": market.name, "kind": market.kind, "settings": market.settings()}
    try:
        material, truth = market.load(config)
        facts = {"stacks": VERSION, "features": FEATURES_VERSION, "config": shaping(config, BASES)}
        facts |= {"market": market.settings(), "data": market.fingerprint()}
        bases = _bases(market, config, material, folder / key_of(facts))
        folds = later_folds(
            max(int(material.prices["day"].search_sorted(base.forecasts["day"][0])) for base in bases),
            material.labelled,
            horizon=config.horizon,
            min_rows=MIN_ROWS,
            refit=WEIGHTS_REFIT,
        )
        made = {name: stack(bases, material, learner, folds) for name, learner in WEIGHERS.items()}
    except GeigerError as error:
        return {**record, "error": str(error)}
    first = made[BASELINE]
    candidates = {name: one.forecasts["forecast"].to_numpy() for name, one in made.items()}
    days = first.forecasts.select("day")
    for rival, rows in first.rivals.group_by("rival", maintain_order=True):
        if rival[0] not in (EQUAL, RIDGE):
            candidates[str(rival[0])] = rows["forecast"].to_numpy()
    for base in bases:
        candidates[base.name] = days.join(base.forecasts, on="day", maintain_order="left")[
            "forecast"
        ].to_numpy()
    outcome, mean = (first.forecasts[name].to_numpy() for name in ("outcome", "train_mean"))
    expected = None
    if truth is not None:
        expected = truth[material.rows_of(first.forecasts["day"])]
    measured, influence = {}, {}
    for name, forecast in candidates.items():
        r2 = metrics.r2_gain_influence(forecast, mean, outcome, mean)
        gain = metrics.r2_gain_influence(forecast, candidates[BASELINE], outcome, mean)
        measured[name] = {
            "correlation": metrics.correlation(forecast, outcome) or 0.0,
            "efficiency": None if expected is None else metrics.correlation(forecast, expected) or 0.0,
            "r2": None if r2 is None else r2[0],
            "gain": None if gain is None else gain[0],
        }
        influence[name] = {
            "correlation": metrics.correlation_influence(forecast, outcome),
            "r2": None if r2 is None else r2[1],
            "gain": None if gain is None else gain[1],
        }
    return {
        **record,
        "rows": len(outcome),
        "measured": measured,
        "weights": _mean_weights(made),
        "error": None,
        # Made markets share no day.
        BY_DAY: (first.forecasts["day"].to_physical().to_numpy(), influence)
        if market.kind == "real"
        else None,
    }


def _mean_weights(made: Mapping[str, Stacked]) -> Record:
    return {
        name: dict(one.weights.group_by("model").agg(pl.col("weight").mean()).iter_rows())
        for name, one in made.items()
    }


def _bases(market: Market, config: Config, material: Any, folder: Path) -> list[Base]:
    """Return the base models' forecasts, from `folder` where they are kept."""
    found = []
    for name in BASES:
        path = folder / f"{name}.parquet"
        try:
            frame, rows = read_frame(path), json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        except (DataError, OSError, ValueError):
            try:
                walked = walk(
                    material, name, forecaster_of(config, name), config, plan_folds(material, config)
                )
            except TrainingError:
                continue  # the others go on without it
            frame = walked.forecasts
            rows = {str(one.fold): one.train_rows + one.valid_rows for one in walked.results}
            write_frame(path, frame)
            write_atomically(folder / f"{name}.json", json.dumps(rows).encode())
        members = frame.select("day", pl.lit(0, dtype=pl.Int32).alias("seed"), "fold", "forecast")
        counts = {int(fold): int(number) for fold, number in rows.items()}
        found.append(Base(name, frame.select(list(FORECASTS.columns)), members, counts))
    return found


@dataclass(frozen=True)
class StackRow:
    """One candidate over all markets of a kind.

    `value` is the efficiency on markets with a planted signal (the correlation with the true expected
    return), and the correlation with the outcome on others; `difference` is paired with equal weights.
    """

    name: str
    value: Estimate | None
    r2: Estimate | None
    difference: Estimate | None
    gain: Estimate | None


def rows_of(records: Iterable[Record], kinds: Sequence[str]) -> list[StackRow]:
    """Return a row for each candidate, over the markets of these kinds."""
    chosen = [record for record in records if record["kind"] in kinds and not record["error"]]
    names = list(dict.fromkeys(name for record in chosen for name in record["measured"]))
    figure = "correlation" if set(kinds) & {"real", "null"} else "efficiency"
    found = []
    for name in names:
        own = [record for record in chosen if name in record["measured"]]
        found.append(
            StackRow(
                name,
                _over([_daily(record, name, figure) for record in own], kinds),
                _over([_daily(record, name, "r2") for record in own], kinds),
                _over(
                    [_daily(record, name, figure).minus(_daily(record, BASELINE, figure)) for record in own],
                    kinds,
                ),
                _over([_daily(record, name, "gain") for record in own], kinds),
            )
        )
    return found


def _over(figures: Sequence[Daily], kinds: Sequence[str]) -> Estimate | None:
    return over_symbols(figures) if "real" in kinds else over_made_markets([one.value for one in figures])


def _daily(record: Record, name: str, figure: str) -> Daily:
    """Return a figure of one market, 0 where it is undefined; with its days where it is a symbol's."""
    value = record["measured"][name][figure] or 0.0
    if record.get(BY_DAY) is None or (added := record[BY_DAY][1][name][figure]) is None:
        return Daily(value, NO_DAYS, np.zeros(0))
    return Daily(value, record[BY_DAY][0], added)


def report(records: Sequence[Record], command: str, out: Path) -> Path:
    """Write ``stack.md`` and return its path."""
    titles = {
        ("linear",): "Planted signals that a line can see",
        ("nonlinear",): "Planted signals that need pairs of facts, or memory",
        ("null",): "Markets with no signal",
        ("real",): "Real symbols",
    }
    lines = [PREAMBLE.format(refit=REFIT, weights=WEIGHTS_REFIT, rows=MIN_ROWS, command=command).rstrip()]
    for kinds, title in titles.items():
        rows = rows_of(records, kinds)
        number = sum(record["kind"] in kinds and not record["error"] for record in records)
        if rows:
            lines += ["", f"## {title} ({number})", "", *_table(rows, kinds)]
    broken = [record for record in records if record["error"]]
    lines += ["", *(f"{record['market']}: no result ({record['error']})" for record in broken)]
    path = out / "stack.md"
    write_atomically(path, ("\n".join(lines).rstrip() + "\n").encode())
    return path


def _table(rows: Sequence[StackRow], kinds: Sequence[str]) -> list[str]:
    what = "correlation" if set(kinds) & {"real", "null"} else "efficiency"
    head = f"| forecast | {what} | minus equal weights | R², % | R² minus that of equal weights, pp |"
    found = [head, "|---|---|---|---|---|"]
    for row in rows:
        cells = [_shown(row.value, 1.0, 3), _shown(row.difference, 1.0, 3)]
        cells += [_shown(row.r2, 100.0, 2), _shown(row.gain, 100.0, 2)]
        if row.name == BASELINE:
            cells[1] = cells[3] = ""
        found.append(f"| {row.name} | {' | '.join(cells)} |")
    return found


def _shown(value: Estimate | None, unit: float, digits: int) -> str:
    if value is None:
        return ""
    error = "" if value.error is None else f" ± {unit * value.error:.{digits}f}"
    return f"{unit * value.mean:+.{digits}f}{error}"
