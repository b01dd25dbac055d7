"""``geiger backtest``: the stitched out-of-sample forecasts of a model, traded beside its baselines."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from geiger.cli.named import panels_named
from geiger.cli.options import settings_given, traded_as_asked
from geiger.cli.show import EXIT, Voice, data_lines, run_facts, scorecard_text
from geiger.cli.terminal import print_json
from geiger.cli.train import Result, for_each, show_plan, show_run, train_one
from geiger.errors import SettingError
from geiger.experiment.own import estimator_of_run
from geiger.experiment.past_material import material_of_run
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.judging.run import backtest as trade
from geiger.runs.folder import RunsFolder, StoredRun


def backtest(args: argparse.Namespace) -> int:
    """Backtest a run, or every model on every symbol."""
    if args.run is not None:
        return _backtest_run(args)
    panels = panels_named(RunsFolder(args.runs_dir), (*args.symbols, *args.named), args.model)
    if panels:
        from geiger.cli.panel_again import backtest_panels  # with all that a panel needs

        return backtest_panels(args, panels)
    return for_each(args, _backtest, default=lambda symbol: _newest_model(RunsFolder(args.runs_dir), symbol))


def _newest_model(runs: RunsFolder, symbol: str) -> str:
    """Return the model that was trained last on a symbol and left itself for use; the stack without any."""
    newest = runs.newest(symbol, usable=True)
    return "stack" if newest is None else newest.record.model


def _backtest_run(args: argparse.Namespace) -> int:
    """Trade the forecasts of exactly one run, on the prices it kept; only trading options change anything."""
    if settings_given(args, own=("features",)) or args.model or args.data:
        raise SettingError("--run trades what that run forecast: leave out model, data and training settings")
    runs, voice = RunsFolder(args.runs_dir), Voice()
    given = Path(args.run)
    if given.name != args.run and given.parent.resolve() != runs.root.resolve():
        raise SettingError(f"{args.run}: lies outside {runs.root}; name its folder with --runs-dir")
    stored = runs.load(given.name)
    if stored.record.forecasts_of is not None:  # of a backtest, the run whose forecasts it traded
        stored = runs.load(stored.record.forecasts_of)
    symbol = stored.record.symbol
    if any(named != symbol for named in (*args.symbols, *args.named)):
        raise SettingError(f"{stored.name} is a run of {symbol}; leave the symbol out, or name that one")
    if stored.record.members:
        from geiger.cli.panel_again import backtest_panels

        return backtest_panels(args, [stored])
    code, facts = _trade_run(args, stored, voice)
    if args.json:
        print_json([facts])
    return code


def _trade_run(args: argparse.Namespace, stored: StoredRun, voice: Voice) -> Result:
    """Trade a run's forecasts on the prices it kept."""
    config = traded_as_asked(args, stored.config())
    experiment = Experiment(
        stored.record.symbol,
        stored.record.model,
        config,
        estimator=estimator_of_run(stored, args.estimator),
        runs_dir=args.runs_dir,
        log_dir=args.log_dir,
    )
    material = material_of_run(stored, config, experiment.runs, target=args.target, forecasting=False)
    if not args.json:
        folds = len(stored.record.folds)
        print(f"{stored.name}: {stored.record.status}, recipe {config.recipe}, {folds} folds", flush=True)
    return _trade(args, plan(experiment, material), stored, voice)


def _backtest(args: argparse.Namespace, experiment: Experiment, voice: Voice) -> Result:
    """Use the stored forecasts of exactly these settings and prices; train first where there are none.

    Where the line names neither, they are those of the run trained last.
    """
    if not settings_given(args):
        newest = experiment.runs.newest(experiment.symbol, experiment.model, usable=True)
        if newest is not None and args.data is None:
            return _trade_run(args, newest, voice)
        if newest is not None:  # other prices, under the settings it was trained with
            experiment = replace(experiment, config=traded_as_asked(args, newest.config()))
    planned = plan(experiment)
    stored = planned.stored()
    if stored is None:
        if not args.json:
            show_plan(planned, voice)
            print("  no forecasts with these settings yet: training first", flush=True)
        stored = experiment.runs.load(train_one(planned, quiet=args.json).name)
    return _trade(args, planned, stored, voice)


def _trade(args: argparse.Namespace, planned: Plan, stored: StoredRun, voice: Voice) -> Result:
    """Trade stored forecasts, and show what came of it."""
    if not args.json:
        voice.say(data_lines(planned))
        print(f"{planned.experiment.symbol} {planned.model}: forecasts of {stored.name}", flush=True)
    finished = trade(planned, stored)
    if not args.json:
        print(f"\n{scorecard_text(finished.evaluation)}\n")
        show_run(finished, voice)
    return EXIT[finished.status], run_facts(finished)
