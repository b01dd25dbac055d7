"""``geiger predict``: the forecast for the next session, saved before its outcome is known, scored after."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from typing import Any

from geiger.cli.complaint import complain, plain
from geiger.cli.named import panels_named, run_named
from geiger.cli.options import symbols_of
from geiger.cli.terminal import print_json, shown_in
from geiger.errors import SettingError
from geiger.market.calendar import valid_symbol
from geiger.market.snapshots import Store
from geiger.market.sources import load
from geiger.models import expand
from geiger.runs.folder import RunsFolder, StoredRun
from geiger.tomorrow.forecast_ledger import chain_of, save, score
from geiger.tomorrow.prediction import Prediction, find_model, predict


def predict_next(args: argparse.Namespace) -> int:
    """Forecast every symbol; one that fails does not stop the rest. With --score, score what was saved."""
    runs = RunsFolder(args.runs_dir)
    if args.score:
        return _score(args, runs)
    panels = [] if args.run else panels_named(runs, symbols_of(args), args.model)
    if args.run and (named := run_named(args.run, args.runs_dir)[0]).record.members:
        panels = [named]
    if panels:
        return _predict_panels(args, runs, panels)
    results, code = [], 0
    models = (None,) if args.model is None else expand(args.model)
    for symbol, model in product(symbols_of(args), models):
        try:
            results.append(_predict(args, runs, valid_symbol(symbol), model))
        except Exception as error:
            if args.debug:
                raise
            complain(f"{symbol}: {plain(error)}")
            results.append({"symbol": symbol, "model": model, "error": plain(error)})
            code = 1
    if args.json:
        print_json(results)
    return code


def _predict_panels(args: argparse.Namespace, runs: RunsFolder, panels: Sequence[StoredRun]) -> int:
    """Rank the symbols of each panel."""
    from geiger.tomorrow.panel_prediction import predict_panel  # with all that a panel needs

    for option in ("save", "features", "target"):
        if getattr(args, option):
            why = "rankings of a panel are not kept and scored so far" if option == "save" else "it has none"
            raise SettingError(f"--{option} is for a symbol alone: {why}; leave it out")
    others = set(args.symbols) - {stored.record.symbol for stored in panels}
    if others:
        raise SettingError(f"run {panels[0].name} is of {panels[0].record.symbol}, not of {min(others)}")
    made = [predict_panel(stored, runs, data=args.data, level=args.level) for stored in panels]
    if args.json:
        print_json([one.as_dict() for one in made])
    else:
        print("\n".join(_broken([line for one in made for line in one.lines()])))
    return 0


def _predict(args: argparse.Namespace, runs: RunsFolder, symbol: str, model: str | None) -> dict[str, Any]:
    stored = _trained(args) if args.run else find_model(runs, symbol, model)
    if stored.record.symbol != symbol:
        raise SettingError(f"run {stored.name} is of {stored.record.symbol}, not of {symbol}")
    made = predict(stored, runs, data=args.data, features=args.features, target=args.target, level=args.level)
    facts = made.as_dict()
    if not args.json:
        print("\n".join(_broken(made.lines())))
    if args.save:
        kept = save(made, runs)
        facts["saved"] = {"number": kept.line.number, "hash": kept.line.hash, "in_time": kept.in_time}
        if not args.json:
            print(f"  Saved as number {kept.line.number} in {chain_of(runs).path}, hash {kept.line.hash}")
            if not kept.in_time:
                print(f"  It will not count when forecasts are scored: {_why_late(made)}")
    return facts


def _trained(args: argparse.Namespace) -> StoredRun:
    """Return the run that is named; of a backtest, which left no model, the one whose forecasts it traded."""
    stored, runs = run_named(args.run, args.runs_dir)
    return stored if stored.record.forecasts_of is None else runs.load(stored.record.forecasts_of)


def _broken(lines: Sequence[str]) -> list[str]:
    """Return lines in 80 columns, what is broken indented behind its own beginning."""
    found = []
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        found += shown_in(line.strip(), indent, f"{indent}  ")
    return found


def _why_late(made: Prediction) -> str:
    if made.save_by is None:
        return "nobody can say when the close that it is filled at was made"
    return f"it had to be saved before {made.save_by:%Y-%m-%d %H:%M} UTC"


def _score(args: argparse.Namespace, runs: RunsFolder) -> int:
    library = Store(runs.library)
    scores, troubles = score(runs, lambda symbol: load(symbol, data=args.data, store=library).prices)
    for trouble in troubles:
        complain(trouble)
    if args.json:
        print_json([asdict(one) for one in scores])
    elif not scores:
        print(f"No forecasts in {chain_of(runs).path} yet: `geiger predict SYMBOL --save` adds one.")
    else:
        print("\n".join(one.text() for one in scores))
    return 1 if troubles else 0
