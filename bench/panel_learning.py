"""How much of a planted cross-section a panel's whole pipeline learns, beside each symbol learning alone.

    python bench/panel_learning.py [--seeds 3] [--days 4000] [--symbols 20] [--signals one twenty ...]
                                   [--alone] [--set panel.target=demeaned ...]

Panels are made by `planted_panel`: symbols share a factor, differ in beta and volatility, and a signal made
of the built-in features explains R^2 of what is their own. Signals: ``one`` feature (another one for each
seed), the sum of ``twenty`` with random signs, the ``interaction`` (product) of two; ``none``. The pipeline
is the one of `geiger train ridge --panel`: material, walk, slope.

Learning efficiency: correlation of the issued forecast beyond the day's market with the planted mean, both in
units of the volatility known at the decision and freed of the mean of the day, over all rows issued.
`late` is the same on the last 1500 days. `ceiling` is what the planted signal itself reaches, since nobody
knows the volatility in which it is planted. Under ``none`` the figure is the mean daily rank IC with its
error, and so it is with `shuffled`: the outcomes of all symbols exchanged in blocks of 21 days, which cuts
the link between features and returns and nothing else.

Writes bench/results/panel_learning.json.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import harness
import numpy as np
import numpy.typing as npt
import polars as pl

from geiger.blas import one_blas_thread
from geiger.features.bars import Bars
from geiger.features.catalogue import FEATURES
from geiger.market.synthetic_panel import PlantedPanel, RawSignal, planted_panel
from geiger.panel.experiment import Panel
from geiger.panel.material import PanelMaterial, load_panel
from geiger.panel.shuffled import without_link
from geiger.panel.targets import day_means
from geiger.panel.walk import PanelWalk, walk
from geiger.seeds import generator
from geiger.settings import Config, override, panel_recipe

Facts = dict[str, Any]
Floats = npt.NDArray[np.float64]
R2 = (0.001, 0.0025, 0.005)
LATE_DAYS = 1500
ALONE = (100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)  # penalties to choose from for one symbol's rows
# Features of one symbol's own prices and volumes; the others are the same for all symbols of a day, or need
# an index.
OWN = tuple(
    feature
    for feature in FEATURES
    if not feature.name.startswith(("market_", "implied_", "weekday", "month_", "quarter_", "year_"))
    and feature.name not in ("monday", "january", "turn_of_month", "expiry_week")
)


def raw_signal(kind: str, seed: int) -> RawSignal | None:
    """Return what is planted: a function of one symbol's prices."""
    if kind == "none":
        return None
    rng = generator(seed, "panel learning", kind)
    count = {"one": 1, "twenty": 20, "interaction": 2}[kind]
    chosen = [OWN[place] for place in rng.choice(len(OWN), count, replace=False)]
    signs = rng.choice([-1.0, 1.0], count)

    def signal(prices: pl.DataFrame) -> Floats:
        bars = Bars.from_frames(prices, None)
        columns = [past_standard(np.asarray(feature.function(bars), dtype=np.float64)) for feature in chosen]
        if kind == "interaction":
            return np.prod(columns, axis=0)
        return np.sum([sign * column for sign, column in zip(signs, columns, strict=True)], axis=0)

    return signal


def past_standard(values: Floats) -> Floats:
    """Return numbers in means and deviations of all rows so far; not a number before there are sixty."""
    known = np.isfinite(values)
    count, held = np.cumsum(known), np.where(known, values, 0.0)
    mean = np.cumsum(held) / np.maximum(count, 1)
    variance = np.cumsum(held**2) / np.maximum(count, 1) - mean**2
    ready = known & (count >= 60) & (variance > 1e-18)
    return np.where(ready, np.clip((values - mean) / np.sqrt(np.where(ready, variance, 1.0)), -4, 4), np.nan)


def material_of(panel: PlantedPanel, config: Config) -> PanelMaterial:
    """Load the planted prices as `geiger train --panel` does."""
    with tempfile.TemporaryDirectory() as runs:
        work = Panel(
            "PLANTED",
            tuple(panel.prices),
            config=config,
            prices=panel.prices,
            context="none",
            runs_dir=Path(runs),
        )
        return load_panel(work)


def of_one(material: PanelMaterial, member: int) -> PanelMaterial:
    """Return the rows of one member as a panel of its own; its outcomes stay beyond the mean of the day."""
    rows = np.flatnonzero(material.member == member)
    columns = ("day", "features", "normalised", "volatility", "on_time", "tradable")
    return replace(
        material,
        symbols=(material.symbols[member],),
        member=np.zeros(len(rows), dtype=np.int16),
        outcome=beyond_the_day(material, material.outcome / material.volatility)[rows]
        * material.volatility[rows],
        known_on=material.known_on.gather(rows),
        bars={name: grid[:, [member]] for name, grid in material.bars.items()},
        **{name: getattr(material, name)[rows] for name in columns},
    )


def beyond_the_day(material: PanelMaterial, values: Floats, rows: slice = slice(None)) -> Floats:
    """Return values less the mean of their day."""
    day = material.day[rows]
    return values - day_means(values, day, len(material.calendar))[day]


def efficiency(material: PanelMaterial, panel: PlantedPanel, score: Floats, rows: slice) -> Facts:
    """Return the correlation with the planted mean; see the module."""
    day, member = material.day[rows], material.member[rows]
    place = panel.prices[material.symbols[0]]["day"].search_sorted(material.calendar).to_numpy()[day]
    volatility = material.volatility[rows]
    planted = beyond_the_day(material, panel.selection[place, member] / volatility, rows)
    told = beyond_the_day(material, score, rows)
    signal = beyond_the_day(material, panel.signal[place, member], rows)
    late = day >= day[-1] - LATE_DAYS

    def correlation(one: Floats, other: Floats) -> float:
        spread = one.std() * other.std()
        return round(float(np.mean(one * other) / spread), 4) if spread > 0.0 else 0.0

    return {
        "efficiency": correlation(told, planted),
        "late": correlation(told[late], planted[late]),
        "ceiling": correlation(signal, planted),
        "days": len(np.unique(day)),
    }


def rank_ic(made: PanelWalk) -> Facts:
    """Return the mean of the daily rank correlations and its standard error, both in percent."""
    by_day = made.forecasts.group_by("day").agg(pl.corr("score", "outcome", method="spearman").alias("ic"))
    found = by_day["ic"].drop_nans().drop_nulls().to_numpy()
    return {
        "ic": round(100.0 * float(found.mean()), 3),
        "error": round(100.0 * float(found.std(ddof=1)) / math.sqrt(len(found)), 3),
        "days": len(found),
    }


def issued(made: PanelWalk) -> tuple[Floats, slice]:
    """Return what is issued beyond the market of the day, in volatilities, and its rows."""
    return made.issued.slope * made.issued.score, made.issued.rows


def alone(material: PanelMaterial, panel: PlantedPanel, config: Config) -> Facts:
    """Return the efficiency of one ridge a symbol, put together by day."""
    settings = override(config, {"panel": {"least_names": 2, "target": "raw", "deviations": (1e12,)}})
    settings = replace(settings, ridge=replace(settings.ridge, alphas=ALONE))
    score = np.full(len(material.day), np.nan)
    for member in range(len(material.symbols)):
        made = walk(of_one(material, member), "ridge", settings).issued
        score[np.flatnonzero(material.member == member)[made.rows]] = made.expected
    rows = np.flatnonzero(np.isfinite(score))
    span = slice(int(rows[0]), int(rows[-1]) + 1)
    return efficiency(material, panel, score[span], span)


def measure(kind: str, r2: float, seed: int, asked: argparse.Namespace, config: Config) -> Facts:
    """Return the figures of one panel."""
    started = time.process_time()
    panel = planted_panel(asked.symbols, asked.days, seed, r2, raw_signal(kind, seed))
    material = material_of(panel, config)
    made = walk(material, "ridge", config)
    found: Facts = {"signal": kind, "r2": r2, "seed": seed, **rank_ic(made)}
    if kind != "none":
        found |= efficiency(material, panel, *issued(made))
        cut = walk(without_link(material, seed), "ridge", config)
        found["shuffled"] = {name: rank_ic(cut)[name] for name in ("ic", "error")}
        if asked.alone:
            found["alone"] = alone(material, panel, config)["efficiency"]
    found["cpu_seconds"] = round(time.process_time() - started, 1)
    return found


def table(results: Sequence[Facts]) -> str:
    """Return a row a signal and R^2: means over seeds."""
    lines = [
        "| signal | R^2 | efficiency | last 1500 days | alone | IC | shuffled IC |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind, r2 in dict.fromkeys((one["signal"], one["r2"]) for one in results):
        some = [one for one in results if (one["signal"], one["r2"]) == (kind, r2)]

        def mean(name: str, digits: int = 2, some: Sequence[Facts] = some) -> str:
            values = [one[name] for one in some if name in one]
            return f"{np.mean(values):.{digits}f}" if values else ""

        cut = [one["shuffled"] for one in some if "shuffled" in one]
        told = (
            f"{np.mean([one['ic'] for one in cut]):.2f} ± "
            f"{np.sqrt(np.sum([one['error'] ** 2 for one in cut])) / len(cut):.2f}"
            if cut
            else ""
        )
        error = np.sqrt(np.sum([one["error"] ** 2 for one in some])) / len(some)
        cells = (kind, f"{r2:.2%}", mean("efficiency"), mean("late"), mean("alone"))
        lines.append(f"| {' | '.join(cells)} | {mean('ic')} ± {error:.2f} | {told} |")
    return "\n".join(lines)


def settings_from(pairs: Sequence[str]) -> Config:
    """Return the default recipe for panels with nothing locked, and with changes such as panel.target=raw."""
    config = override(panel_recipe("default"), {"lockbox": 0})
    for pair in pairs:
        path, _, text = pair.partition("=")
        change: Any = json.loads(text) if text[:1] in "[0123456789-" else text
        change = tuple(change) if isinstance(change, list) else change
        for part in reversed(path.split(".")):
            change = {part: change}
        config = override(config, change)
    return config


def main() -> int:
    """Measure, write, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--days", type=int, default=4000)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--signals", nargs="+", default=["one", "twenty", "interaction", "none"])
    parser.add_argument("--alone", action="store_true", help="each symbol by itself as well")
    parser.add_argument("--set", nargs="*", default=[], dest="changes", metavar="SETTING=VALUE")
    parser.add_argument("--out", type=Path, default=harness.RESULTS / "panel_learning.json")
    asked = parser.parse_args()
    config, results = settings_from(asked.changes), []
    with one_blas_thread():
        for kind in asked.signals:
            for r2 in R2 if kind != "none" else (0.0,):
                for seed in range(asked.seeds):
                    results.append(measure(kind, r2, seed, asked, config))
                    harness.say(json.dumps(results[-1]))
    facts = {
        "command": f"python bench/panel_learning.py {' '.join(sys.argv[1:])}".strip(),
        "machine": harness.machine(),
        "symbols": asked.symbols,
        "days": asked.days,
        "results": results,
    }
    asked.out.write_text(json.dumps(facts, indent=1) + "\n")
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
