"""All settings of one experiment, and what of them shapes a forecast."""

from __future__ import annotations

import datetime as dt
import reprlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Literal

from geiger.errors import SettingError, did_you_mean
from geiger.settings.model_settings import ModelSections
from geiger.settings.models import MODELS, SECTIONS
from geiger.settings.panel import PanelSettings
from geiger.settings.recipes import PANEL, RECIPES
from geiger.settings.setting import NoSettings, Settings, Shapes, known_settings, override, section, setting
from geiger.settings.trading import TradingSettings

Fill = Literal["next_open", "close"]
BackTransform = Literal["mean", "median"]
Spread = Literal["auto", "processes", "vmap"]


FORECAST: tuple[Shapes, ...] = ("forecast",)


@dataclass(frozen=True)
class Weighting(Settings):
    """How much each train row counts, computed inside the fold from its train rows; by default all alike."""

    section: ClassVar[str] = "weighting"
    recency_half_life: int | None = setting(
        None, "Rows after which a row counts half as much as the newest one.", unit="rows", least=1
    )
    balance_signs: bool = setting(
        False, "Give the rows with a positive and with a negative return the same total weight."
    )
    cap: float = setting(
        3.0,
        "Largest weight. It comes last, so it may undo part of a balance.",
        unit="times the mean weight",
        above=1,
    )


@dataclass(frozen=True)
class WalkSettings(Settings):
    """What is learned from, and which folds are made of it."""

    recipe: str = setting("default", "The recipe that the settings started from.", shapes="nothing")
    fill: Fill = setting(
        "next_open", "The price a decision is filled at: that of the next open, or the close it has seen."
    )
    horizon: int = setting(1, "Days ahead; only next-day forecasts are traded so far.", unit="days")
    refit: int = setting(63, "Days between two fits.", unit="days", least=1)
    network_refit: int | None = setting(
        252, "The same for networks, where it is given.", unit="days", least=1, shapes="networks"
    )
    min_train: int = setting(504, "Train rows of the first fold.", unit="days", least=1)
    valid_share: float = setting(
        0.15, "Share of a fold's train rows that are its inner validation rows.", above=0, below=1
    )
    rolling: int | None = setting(
        None, "Train on so many last rows; none: on all rows so far.", unit="days", least=1
    )
    max_folds: int | None = setting(None, "The last folds only; none: all of them.", unit="folds", least=1)
    seeds: int = setting(3, "Members of an ensemble, each with a seed of its own.", unit="models", least=1)
    seed: int = setting(0, "What every seed is derived from.", least=0)
    clip: float = setting(
        5.0, "Largest absolute feature value after scaling.", unit="train standard deviations", above=0
    )
    lockbox: int | None = setting(
        None, "Last rows that stay unseen; none: one year of the symbol's market.", unit="days", least=0
    )
    start: str | None = setting(None, "First day, such as 2012-03-31; none: the first there is.")
    end: str | None = setting(None, "Last day; none: the last there is.")
    back_transform: BackTransform = setting(
        "mean",
        "How a log forecast becomes an expected simple return: mean adds half the train variance before "
        "expm1, median does not.",
        shapes="nothing",
    )
    weighting: Weighting = section(Weighting, "Sample weights of the train rows.")


@dataclass(frozen=True)
class Config(ModelSections, WalkSettings):
    """All settings of one experiment; the defaults are recipe `default`."""

    parallel: Spread = setting(
        "auto",
        "How networks are trained: each fold in a process of its own (on a CPU), or all members in one "
        "program (vmap, on a GPU).",
        shapes="networks",
    )
    workers: int | None = setting(
        None,
        "Folds trained at a time, of networks in processes and of boosting in threads; none: one for each "
        "processor. It changes no bit of a forecast.",
        unit="folds",
        least=1,
        shapes="nothing",
    )
    panel: PanelSettings = section(PanelSettings, "Many symbols learned from as one.")
    trading: TradingSettings = section(TradingSettings, "From forecasts to positions and costs.")

    def check(self) -> None:
        """Refuse a horizon that cannot be traded, and days that are none or in the wrong order."""
        super().check()
        if self.horizon != 1:
            raise SettingError(
                f"horizon: only next-day forecasts are traded so far, so 1, got {self.horizon}"
            )
        days = {
            name: _day(name, text) for name in ("start", "end") if (text := getattr(self, name)) is not None
        }
        if len(days) == 2 and days["start"] > days["end"]:
            raise SettingError(f"start {self.start} lies after end {self.end}; swap them")


def _day(name: str, text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SettingError(f"{name}: {reprlib.repr(text)} is no day; write it as 2012-03-31") from None


@cache
def recipe(name: str) -> Config:
    """Return the named recipe.

    >>> recipe("plan").fill
    'close'
    """
    if name not in RECIPES:
        raise SettingError(f"no recipe {name!r}: {did_you_mean(name, RECIPES)}")
    return override(Config(), {"recipe": name, **RECIPES[name]})


@cache
def panel_recipe(name: str) -> Config:
    """Return the named recipe as panels start from it; recipe `plan` stays the plan's.

    >>> panel_recipe("default").stack.models
    ('ridge', 'lgb')
    """
    return recipe(name) if name == "plan" else override(recipe(name), PANEL)


def settings_of(config: Config, model: str) -> Settings:
    """Return the settings of a model: its section, or none where it has nothing to set."""
    found: Settings = getattr(config, model) if MODELS[model].has_section else NoSettings()
    return found


def paced(config: Config, model: str) -> Config:
    """Return the settings as `model` walks by them: networks are refitted at their own pace, if given."""
    if MODELS[model].family != "network" or config.network_refit is None:
        return config
    return replace(config, refit=config.network_refit)


def paced_in_a_panel(config: Config, model: str) -> Config:
    """Return the same for a panel, in which trees may have a pace of their own, too."""
    if MODELS[model].family == "boosting" and config.panel.tree_refit is not None:
        return replace(config, refit=config.panel.tree_refit)
    return paced(config, model)


def shaping(config: Config, models: Collection[str], marks: Collection[Shapes] = FORECAST) -> dict[str, Any]:
    """Return the settings with these marks, those of other models left out: what a key is made of."""
    others = set(SECTIONS) - set(models)
    return {name: value for name, value in _marked(config, marks).items() if name not in others}


def shaping_a_run(config: Config, model: str) -> dict[str, Any]:
    """Return the settings that shape the forecasts of a run of `model`; see `About.shapes`."""
    if MODELS[model].family != "network":
        return shaping(config, [model])
    # A pace of their own is the pace of the run, so it counts once.
    walked = replace(paced(config, model), network_refit=None)
    return shaping(walked, [model], ("forecast", "networks"))


def shaping_a_panel(config: Config, models: Collection[str]) -> dict[str, Any]:
    """Return the settings that shape the forecasts of a panel's models."""
    networks = any(MODELS[model].family == "network" for model in models)
    return shaping(config, models, ("forecast", "panel", *(("networks",) if networks else ())))


def _marked(record: Settings, marks: Collection[Shapes]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in known_settings(type(record)).items():
        value = getattr(record, name)
        if item.section is not None:
            if inner := _marked(value, marks):
                found[name] = inner
        elif item.about.shapes in marks:
            found[name] = value
    return found
