"""What an audit makes lighter: one member and few epochs take the same steps as many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from geiger.experiment.plan import Experiment
from geiger.settings import MODELS, Config, override

EPOCHS = 2


def lighter(experiment: Experiment) -> tuple[Experiment, tuple[str, ...]]:
    """Return the experiment with one member a fold and few epochs for networks, and sentences that say so."""
    own = experiment.estimator is not None
    models = experiment.config.stack.models if experiment.weighs_models else (experiment.model,)
    config, told = lighter_config(experiment.config, models, own=own)
    return replace(experiment, config=config), told


def lighter_config(
    config: Config, models: Sequence[str], *, own: bool = False
) -> tuple[Config, tuple[str, ...]]:
    """Return settings with one member a fold and few epochs for networks, and sentences that say so.

    Parameters
    ----------
    models : sequence of str
        Those that are trained.
    own : bool
        Whether an estimator of the user's own is trained in their place.
    """
    told: list[str] = []
    changes: dict[str, Any] = {}
    if config.seeds > 1 and (own or any(MODELS[m].seeded for m in models)):
        changes["seeds"] = 1
        told.append(f"one of {config.seeds} members a fold")
    nets = [] if own else [m for m in models if MODELS[m].family == "network"]
    if nets:
        changes |= {name: {"epochs": EPOCHS} for name in nets}
        told.append(f"{EPOCHS} epochs for {' and '.join(nets)}")
    return override(config, changes), tuple(told)
