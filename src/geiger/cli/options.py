"""From parsed options to experiments."""

from __future__ import annotations

import argparse
import codecs
import datetime as dt
import re
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geiger.errors import SettingError
from geiger.market.calendar import valid_symbol
from geiger.settings import Config, from_toml, override, recipe
from geiger.settings.models import GROUPS

if TYPE_CHECKING:
    from geiger.experiment.plan import Experiment

SETTINGS = (
    "seeds",
    "seed",
    "refit",
    "min_train",
    "rolling",
    "max_folds",
    "fill",
    "lockbox",
    "start",
    "end",
    "parallel",
    "workers",
)
NETWORK = ("epochs", "batch_size", "lookback")
OWN_PARTS = ("features", "target", "estimator")
TRADING = ("risk", "rule", "cost_bps")


def settings_given(args: argparse.Namespace, own: Iterable[str] = OWN_PARTS) -> bool:
    """Return whether the line names a recipe, any setting that shapes a forecast, or these own parts."""
    names = ("recipe", "config", "models", "context", *own, *SETTINGS, *NETWORK)
    return any(getattr(args, name) is not None for name in names)


def config_of(args: argparse.Namespace, named: Callable[[str], Config] = recipe) -> Config:
    """Return the recipe, as `named` has it, with the TOML file on top and the options above both."""
    base = named(args.recipe) if args.recipe else None
    config = from_toml(args.config, base, named=named) if args.config else base or named("default")
    changes: dict[str, Any] = {
        name: getattr(args, name) for name in SETTINGS if getattr(args, name) is not None
    }
    if args.refit is not None:
        changes |= {"network_refit": args.refit, "panel": {"tree_refit": args.refit}}
    trading = {name: getattr(args, name) for name in TRADING if getattr(args, name) is not None}
    if trading:
        changes["trading"] = trading
    if args.epochs is not None:
        changes |= {name: {"max_trees": args.epochs} for name in GROUPS["gbm"]}
    network = {name: getattr(args, name) for name in NETWORK if getattr(args, name) is not None}
    if network:
        changes |= {name: network for name in GROUPS["net"]}
    if args.models is not None:
        changes["stack"] = {"models": [name.strip() for name in args.models.split(",") if name.strip()]}
    return override(config, changes)


def traded_as_asked(args: argparse.Namespace, config: Config) -> Config:
    """Return the settings of a run with the trading options of the line."""
    asked = {name: getattr(args, name) for name in TRADING if getattr(args, name) is not None}
    return override(config, {"trading": asked}) if asked else config


def experiment_of(args: argparse.Namespace, symbol: str, model: str, config: Config) -> Experiment:
    """Return one symbol's and model's experiment."""
    from geiger.experiment.plan import Experiment  # with all that trains: other commands read options, too

    return Experiment(
        symbol=symbol,
        model=model,
        config=config,
        data=args.data,
        context=args.context,
        features=args.features,
        target=args.target,
        estimator=args.estimator,
        runs_dir=args.runs_dir,
        log_dir=args.log_dir,
        command=shlex.join(["geiger", *args.words]),
    )


def symbols_of(args: argparse.Namespace) -> list[str]:
    """Return the symbols named on the line and in the file, once each, in order."""
    symbols = [*args.symbols, *args.named]
    if args.symbols_file is not None:
        symbols += _listed(args.symbols_file)
    if not symbols:
        raise SettingError("no symbol given; name at least one, such as AAPL")
    return list(dict.fromkeys(symbols))


def _listed(path: Path) -> list[str]:
    """Return the symbols of a file: one a line or with commas between them; what follows a # is a comment."""
    try:
        content = path.read_bytes()
        marked = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        lines = content.decode("utf-16" if marked else "utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: cannot be read as a list of symbols ({error})") from None
    words = (word.strip(" \t'\"") for line in lines for word in re.split(r"[,;\t]", line.split("#")[0]))
    return [word for word in words if word]


def day_of(text: str | None) -> dt.date | None:
    """Return the day that an option names."""
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise SettingError(f"{text!r} is no day; write it as 2012-03-31") from None


def is_symbol(text: str) -> bool:
    """Return whether `text` may be a symbol."""
    try:
        return bool(valid_symbol(text))
    except SettingError:
        return False
