"""What a name on the command line stands for: a run, a symbol, or a panel that was trained under it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from geiger.cli.options import is_symbol
from geiger.command_line import Folders
from geiger.errors import DataError, SettingError
from geiger.market.calendar import valid_symbol
from geiger.models import expand, resolve
from geiger.runs.folder import RunsFolder, StoredRun


def run_named(text: str, runs_dir: Path) -> tuple[StoredRun, RunsFolder]:
    """Return the run that a RUN of a command line means, and the folder of its runs.

    A RUN is a name, the beginning of one (the newest counts), ``latest``, or the folder of a run.

    Raises
    ------
    DataError
        There is none; the line says where it was looked for.
    """
    path = Path(text)
    runs = RunsFolder(runs_dir if path.name == text else path.parent)
    return runs.named(path.name if path.name else text), runs


def panels_named(runs: RunsFolder, names: Iterable[str], model: str | None = None) -> list[StoredRun]:
    """Return the newest runs of the panels that are named; empty where all names are symbols'.

    A name is a panel's where its newest training is one.

    Parameters
    ----------
    model : str, optional
        A model or a group; by default the model trained last.

    Raises
    ------
    SettingError
        Panels and symbols are named together.
    DataError
        A panel has no run of the model.
    """
    asked = list(dict.fromkeys(valid_symbol(name) for name in names if is_symbol(name)))
    panels = [name for name in asked if runs.is_panel(name)]
    if panels and len(panels) < len(asked):
        alone = ", ".join(name for name in asked if name not in panels)
        raise SettingError(f"{panels[0]} is a panel, and {alone} is not; name them apart")
    models = [None] if model is None else list(dict.fromkeys(resolve(one)[0] for one in expand(model)))
    return [_run_of(runs, name, one) for name in panels for one in models]


def _run_of(runs: RunsFolder, name: str, model: str | None) -> StoredRun:
    found = runs.newest(name, model)
    if found is None or not found.record.members:
        made = Folders.of(runs.root).command(
            "geiger", "train", model or "ridge", "--panel", name, "SYMBOL...", runs=True
        )
        raise DataError(f"{runs.root}: no run of {model} for the panel {name}; `{made}` makes one")
    return found
