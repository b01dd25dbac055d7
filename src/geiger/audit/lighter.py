"""What an audit makes lighter: one member and few epochs take the same steps as many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from geiger.experiment.plan import Experiment
from geiger.settings import MODELS, override

EPOCHS = 2


def lighter(experiment: Experiment) -> tuple[Experiment, tuple[str, ...]]:
    """Return the experiment with one member a fold and few epochs for networks, and sentences that say so."""
    config, told = experiment.config, []
    models = config.stack.models if experiment.weighs_models else (experiment.model,)
    changes: dict[str, Any] = {}
    if config.seeds > 1 and (experiment.estimator is not None or any(MODELS[m].seeded for m in models)):
        changes["seeds"] = 1
        told.append(f"one of {config.seeds} members a fold")
    nets = [m for m in models if MODELS[m].family == "network"] if experiment.estimator is None else []
    if nets:
        changes |= {name: {"epochs": EPOCHS} for name in nets}
        told.append(f"{EPOCHS} epochs for {' and '.join(nets)}")
    return replace(experiment, config=override(config, changes)), tuple(told)
