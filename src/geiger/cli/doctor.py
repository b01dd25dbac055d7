"""``geiger doctor``: what is installed, which device and threads, what data is at hand."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geiger import __version__
from geiger.cli.terminal import print_json, table
from geiger.codec import plain
from geiger.errors import MissingLibrary
from geiger.experiment.workers import gpu_at_hand
from geiger.market.snapshots import Store
from geiger.market.sources import list_symbols
from geiger.models.library import load
from geiger.runs.environment import environment
from geiger.runs.folder import RunsFolder
from geiger.settings import MODELS
from geiger.settings.models import libraries


def _models_of(names: Sequence[str]) -> str:
    """Say which models a library is for, and what stands in without it."""
    words = f"model{'s' if len(names) > 1 else ''} {' and '.join(names)}"
    others = [MODELS[other].title for name in names if (other := MODELS[name].stand_in) is not None]
    return f"{words} ({others[0]} stands in without it)" if others else words


# what each optional or heavy library is for
PARTS = {
    **{library: _models_of(names) for library, names in libraries("boosting", "network").items()},
    "exchange_calendars": "missing sessions, exchange holidays",
    "arch": "embedded index prices",
    "bokeh_sampledata": "embedded stock prices",
    "yfinance": "`geiger data fetch`, optional",
}
BOOSTERS = libraries("boosting")
DOES_NOT_LOAD = "does not load"


def doctor(args: argparse.Namespace) -> int:
    """Print what this installation can do."""
    facts = _facts(args.data, RunsFolder(args.runs_dir))
    if args.json:
        print_json(facts)
        return 0
    machine = facts["environment"]
    print(f"geiger {__version__}, Python {machine['python']}")
    print(f"{machine['machine']}, {machine['threads']} threads, device: {facts['device']}")
    variables = ", ".join(f"{name}={value}" for name, value in machine["thread_variables"].items())
    print(f"thread variables: {variables or 'none set'}\n")
    rows = [("library", "for", "state"), *((p["library"], p["for"], p["state"]) for p in facts["parts"])]
    print(table(rows))
    print("\nsymbols at hand: " + (", ".join(facts["symbols"]) or "none"))
    print(f"runs in {facts['runs_dir']}: {facts['runs']}; free disk there: {facts['free_gb']:.1f} GB")
    print(f"compiled networks: {facts['compiled']}")
    for part in facts["parts"]:
        if part["state"] == DOES_NOT_LOAD:
            print(part["reason"])
    missing = [f"{p['library']} ({p['for']})" for p in facts["parts"] if p["state"] == "missing"]
    well = all(p["state"] == "installed" for p in facts["parts"])
    if missing or well:
        print(f"missing: {', '.join(missing)}" if missing else "nothing is missing")
    return 0


def _state(library: str) -> dict[str, str | None]:
    """Return whether a library is there; a booster, which may lack one of the system's, is loaded too."""
    if importlib.util.find_spec(library) is None:
        return {"state": "missing", "reason": None}
    if library in BOOSTERS:
        try:
            load(library)
        except MissingLibrary as error:
            return {"state": DOES_NOT_LOAD, "reason": str(error)}
    return {"state": "installed", "reason": None}


def _compiled() -> str:
    """Say where compiled networks are kept, or why they are not."""
    from geiger.models.nets.compiled import NotKept, folder

    try:
        return f"kept in {folder(os.environ)}"
    except NotKept as error:
        return f"not kept: {error}"


def _facts(data: Path | None, runs: RunsFolder) -> dict[str, Any]:
    parts = [{"library": name, "for": use, **_state(name)} for name, use in PARTS.items()]
    nearest = next(path for path in (runs.root.absolute(), *runs.root.absolute().parents) if path.exists())
    return {
        "environment": plain(environment()),
        "device": "GPU (networks)" if gpu_at_hand() else "CPU",
        "parts": parts,
        "symbols": list(list_symbols(data, Store(runs.library))),
        "runs_dir": str(runs.root),
        "runs": len(runs.all()),
        "compiled": _compiled(),
        "free_gb": shutil.disk_usage(nearest).free / 1e9,
    }
