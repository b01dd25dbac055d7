"""The only reader of settings files."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

from geiger.errors import SettingError
from geiger.settings.config import Config, recipe
from geiger.settings.setting import override


def from_toml(path: Path, base: Config | None = None, *, named: Callable[[str], Config] = recipe) -> Config:
    """Return the settings of a TOML file, on top of `base` or else of the recipe that the file names.

    Parameters
    ----------
    named : callable
        Returns a recipe by its name.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingError(f"{path}: no such settings file") from None
    except RecursionError:
        raise SettingError(f"{path}: not a readable TOML file (nested too deeply)") from None
    except (OSError, ValueError) as error:  # no UTF-8, no TOML, and numbers of more digits than Python reads
        raise SettingError(f"{path}: not a readable TOML file ({error})") from None
    try:
        start = named(str(table.pop("recipe", "default")))
        return override(base or start, table)
    except SettingError as error:
        raise SettingError(f"{path}: {error}") from None
