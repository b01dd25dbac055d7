"""What the whole pipeline of a panel finds where the link between features and returns is cut.

    python bench/panel_shuffled.py [--paths 40] [--data DIR --symbols SYMBOL...]

Bars, features and context stay. What each decision earns is replaced by that of another day: outcomes in
daily volatilities, less the mean of the symbol, in blocks of 21 days that are put into another order, one for
all symbols, so that they hang together as they do. Everything else is the command: `geiger.panel` down to
the verdict. Made panels by default, with a signal planted in each symbol, which an unshuffled run beside it
finds; with ``--symbols`` real ones. Writes bench/results/panel_shuffled.json and docs/evidence/panel.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from geiger.judging.panel import judge_panel
from geiger.market.synthetic import planted_market
from geiger.panel.experiment import Panel
from geiger.panel.material import PanelMaterial
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.panel.run import PanelFinding, run_panel
from geiger.settings import override, panel_recipe

sys.path.insert(0, str(Path(__file__).parent))
import panel_size
from harness import RESULTS, machine

STORED = RESULTS / "panel_shuffled.json"
BLOCK = 21  # days
NAMES, ROWS, R2 = 15, 1500, 0.005


def shuffled(material: PanelMaterial, rng: np.random.Generator) -> PanelMaterial:
    """Return the material of a panel in which nobody can know what a decision earns."""
    known = np.where(material.on_time, material.outcome, np.nan)
    unit = material.grid(known / material.volatility)
    mean = np.nanmean(unit, axis=0)
    rows = np.flatnonzero(np.isfinite(unit).any(axis=1))
    blocks = np.array_split(rows, max(1, round(rows.size / BLOCK)))
    order = rng.permutation(len(blocks))
    moved = np.full(unit.shape, np.nan)
    moved[rows] = (unit - mean)[np.concatenate([blocks[place] for place in order])]
    outcome = material.volatility * (moved + mean)[material.day, material.member]
    return replace(material, outcome=np.where(material.on_time, outcome, np.nan))


def found_in(planned: PanelPlan, runs: Path) -> dict[str, Any]:
    """Return what a run of the plan finds: rank IC with its error, and the p of both tests."""
    found: list[PanelFinding] = []
    work = replace(planned.work, runs_dir=runs / "runs", log_dir=runs / "logs")
    run_panel(replace(planned, work=work), judge=found.append)
    told = judge_panel(found[0], audit=None)
    across = found[0].evaluation.cross_section
    assert across is not None
    return {
        "ic": across.ics[0].mean,
        "error": across.ics[0].error,
        "selection": 1.0 if told.p_value is None else told.p_value,
        "timing": 1.0 if told.panel is None or told.panel.timing_p is None else told.panel.timing_p,
        "days": told.days,
    }


def made(args: argparse.Namespace, path: int, home: Path) -> Panel:
    """Return the panel of a path: real symbols, or made ones with a signal each."""
    config = override(panel_recipe("quick"), {"lockbox": 0, "refit": 126})
    places = {"model": "ridge", "runs_dir": home / "runs", "log_dir": home / "logs"}
    if args.symbols:
        return Panel(
            "SHUFFLED", tuple(args.symbols), config=panel_recipe("default"), data=args.data, **places
        )
    prices = {
        f"P{n:02d}": _export(planted_market(ROWS, 1000 * args.seed + 100 * path + n, R2).prices)
        for n in range(NAMES)
    }
    return Panel("SHUFFLED", tuple(prices), config=config, prices=prices, context="none", **places)


def _export(prices: pl.DataFrame) -> pl.DataFrame:
    names = {"Date": "day", "Open": "open", "High": "high", "Low": "low", "Close": "close"}
    return prices.select(
        **{name: pl.col(column) for name, column in names.items()},
        **{"Adj Close": pl.col("close"), "Volume": pl.col("volume")},
    )


def main() -> None:
    """Measure, print as it goes, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--paths", type=int, default=40, help="panels, or orders of the blocks of real ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="folder of SYMBOL.csv")
    parser.add_argument("--symbols", nargs="*", default=(), help="real symbols, from that folder")
    args = parser.parse_args()
    kind = "real" if args.symbols else "made"
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    cut, whole = [], []
    for path, planned in _plans(args):
        rng = np.random.default_rng([args.seed, path])
        with TemporaryDirectory() as home:
            material = shuffled(planned.material, rng)
            cut.append(found_in(replace(planned, material=material), Path(home) / "cut"))
            if kind == "made" or not path:
                whole.append(found_in(planned, Path(home) / "whole"))
        print(path, cut[-1], whole[-1], flush=True)
        facts = {"symbols": len(args.symbols) or NAMES, "paths": len(cut), "shuffled": cut, "whole": whole}
        stored[kind] = {**machine(), **facts}
        STORED.write_text(json.dumps(stored), encoding="utf-8")
    panel_size.write_page()


def _plans(args: argparse.Namespace) -> Iterator[tuple[int, PanelPlan]]:
    planned: PanelPlan | None = None
    for path in range(args.paths):
        if planned is None or not args.symbols:
            with TemporaryDirectory() as home:
                planned = plan_panel(made(args, path, Path(home)))
        yield path, planned


if __name__ == "__main__":
    main()
