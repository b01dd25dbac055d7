"""What makes stored forecasts be used again in place of a training: a key of everything that shapes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from geiger.codec import plain
from geiger.experiment.material import Material
from geiger.runs.audits import SCHEMA as AUDITS
from geiger.runs.environment import environment, key_of
from geiger.runs.record import OwnPart
from geiger.settings import Config, shaping_a_run
from geiger.settings.models import STACK


def forecast_key(config: Config, material: Material, model: str, estimator: OwnPart | None = None) -> str:
    """Return the key of a model's forecasts: the settings that are marked as shaping them, and the data.

    What is the user's own counts by its hashes, of the code and of the numbers that it makes.
    """
    own = replace(material.own, estimator=estimator).content()
    return key_of(
        {
            **({"own": own} if own else {}),
            "symbol": material.symbol,
            "model": model,
            "config": shaping_a_run(config, model),
            "fill": material.fill,
            "provenance": _content(material),
            "environment": plain(environment()),
        }
    )


def stack_key(config: Config, bases: Mapping[str, str | None]) -> str:
    """Return the key of a stack's forecasts: how base models are weighed, and the keys of theirs."""
    return key_of({"model": STACK, "config": shaping_a_run(config, STACK), "bases": dict(bases)})


def trial_key(config: Config, material: Material, model: str, estimator: OwnPart | None = None) -> str:
    """Return the key of what is tried with a model: that of its forecasts without what grows or is named.

    More days of the same prices, another name for them and newer libraries leave a try what it was. What is
    the user's own counts by its code, and by the numbers that it makes where it has none to be hashed.
    """
    own = replace(material.own, estimator=estimator)
    context = material.provenance.context
    return key_of(
        {
            **({"own": parts} if (parts := own.standing()) else {}),
            "model": model,
            "config": shaping_a_run(config, model),
            "fill": material.fill,
            "context": [context.market, context.volatility],
            "features": material.provenance.features,
            "first_day": material.provenance.first_day,
        }
    )


def economic_key(trial: str, config: Config) -> str:
    """Return the key of a try at trading: that of the forecasts, and the trading settings."""
    return key_of({"forecasts": trial, "trading": plain(config.trading)})


def audit_key(forecasts: str | None, config: Config) -> str | None:
    """Return the key of all that an audit depends on: what makes forecasts, and what makes trades of them.

    Parameters
    ----------
    forecasts : str or None
        The key of the forecasts; None where the model cannot be written down, which gives no key here either.
    """
    if forecasts is None:
        return None
    return key_of({"audit": AUDITS, "forecasts": forecasts, "trading": plain(config.trading)})


def built_in_key(fill: str, config: Config, models: Collection[str]) -> str:
    """Return the key of what our code does with any data: settings, models and trading, without the data."""
    return key_of(
        {
            "audit": AUDITS,
            "fill": fill,
            "models": {model: shaping_a_run(config, model) for model in models},
            "trading": plain(config.trading),
            "environment": plain(environment()),
        }
    )


def _content(material: Material) -> dict[str, Any]:
    """Return what the data are, and not where they lie."""
    facts = material.provenance.as_dict()
    return {name: value for name, value in facts.items() if name not in ("where", "source")}
