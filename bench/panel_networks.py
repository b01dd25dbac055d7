"""What the trained body of a network adds to pooled ridge, once it learns from many symbols.

    python bench/panel_networks.py FOLDER SYMBOL... [--models lstm xlstm] [--refit 756] [--folds 6]
                                   [--seeds 1] [--start-margin 0] [--weight-decay 0.1]

A network of a panel adds to the coefficients of all symbols that ridge fits to the same rows; its body learns
what these leave over. So the body's worth is a paired difference on the same rows: daily rank IC of the
network less that of its own linear part, with the error of Newey and West. `--start-margin` 0 keeps the best
epoch on the valid days even where it hardly beats the untrained network; the settings ask for a standard
error.

Writes bench/results/panel_networks.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
import numpy as np
import numpy.typing as npt

from geiger.blas import one_blas_thread
from geiger.evidence.cross_section import rank_ic
from geiger.evidence.errors_of_mean import newey_west_error
from geiger.models.nets.forecaster import NetPredictor
from geiger.panel.experiment import Panel
from geiger.panel.fits import fit, folds_of
from geiger.panel.material import PanelMaterial, load_panel
from geiger.panel.pooled_networks import PooledNetworks
from geiger.panel.targets import targets_of
from geiger.settings import Config, override, panel_recipe

Facts = dict[str, Any]
Floats = npt.NDArray[np.float64]
SETTINGS = ("refit", "folds", "seeds", "start_margin", "weight_decay")
PERIODS = ((2002, 2019), (2010, 2019), (2020, 2023))


def scored(material: PanelMaterial, model: str, config: Config) -> tuple[Floats, Floats, list[Facts]]:
    """Return the scores of the network and of its linear part as grids (D, N), and each fold's training."""
    targets, folds = targets_of(material, config.panel), folds_of(material, model, config)
    network, linear, facts = np.full(material.shape, np.nan), np.full(material.shape, np.nan), []
    for one in fit(material, model, targets, folds, config):
        assert isinstance(one.model, PooledNetworks)
        scores = one.scores(material)
        rows = scores.rows
        at = material.day[rows], material.member[rows]
        parts = []
        for member in one.model.networks.members:
            assert isinstance(member, NetPredictor)
            assert member.offset is not None
            parts.append(member.offset.on(material.normalised[rows]))
        network[at], linear[at] = scores.selection[0], np.mean(parts, axis=0)
        changed = float(np.std(network[at] - linear[at]) / np.std(linear[at]))
        first = str(material.calendar[int(material.day[rows.start])])
        facts.append(
            {"first": first, "rows": one.learned_rows, "epochs": list(one.rounds), "change": changed}
        )
        harness.say(f"{model} {facts[-1]} {one.seconds:.0f} s")
    return network, linear, facts


def compared(material: PanelMaterial, network: Floats, linear: Floats, least: int) -> list[Facts]:
    """Return rank IC of both and their paired difference in %, by period."""
    outcomes = material.grid(np.where(material.tradable, material.outcome, np.nan))
    daily = {
        name: rank_ic(scores, outcomes, least) for name, scores in (("network", network), ("linear", linear))
    }
    daily["difference"] = daily["network"] - daily["linear"]
    year, found = material.calendar.dt.year().to_numpy(), []
    for first, last in PERIODS:
        facts: Facts = {"first": first, "last": last}
        for name, values in daily.items():
            kept = values[(year >= first) & (year <= last) & np.isfinite(values)]
            if kept.size:
                facts |= {
                    "days": int(kept.size),
                    name: 100 * kept.mean(),
                    f"{name}_error": 100 * newey_west_error(kept),
                }
        found.append(facts)
    return found


def main() -> None:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("symbols", nargs="+")
    parser.add_argument("--models", nargs="+", default=["lstm", "xlstm"])
    parser.add_argument("--refit", type=int, default=756)
    parser.add_argument("--folds", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--start-margin", type=float, default=0.0)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--out", type=Path, default=harness.RESULTS / "panel_networks.json")
    asked = parser.parse_args()
    config = override(
        panel_recipe("default"),
        {"lockbox": 0, "network_refit": asked.refit, "max_folds": asked.folds, "seeds": asked.seeds},
    )
    changed = {"start_margin": asked.start_margin, "weight_decay": asked.weight_decay}
    config = override(config, dict.fromkeys(asked.models, changed))
    with tempfile.TemporaryDirectory() as folder:
        work = Panel("NETWORKS", tuple(asked.symbols), config=config, data=asked.data, runs_dir=Path(folder))
        material = load_panel(work)
    results = []
    for model in asked.models:
        started = time.process_time()
        with one_blas_thread():
            network, linear, facts = scored(material, model, config)
        periods = compared(material, network, linear, config.panel.least_names)
        results.append(
            {"model": model, "cpu": time.process_time() - started, "periods": periods, "folds": facts}
        )
        for period in periods:
            harness.say(f"{model} {json.dumps(period)}")
    content = {
        "symbols": asked.symbols,
        "settings": {name: getattr(asked, name) for name in SETTINGS},
        "machine": harness.machine(),
        "results": results,
    }
    asked.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
