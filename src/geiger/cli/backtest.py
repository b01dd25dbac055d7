"""``geiger backtest``: the stitched out-of-sample forecasts of a model, traded beside its baselines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

from geiger import codec
from geiger.cli.named import panels_named, run_named
from geiger.cli.options import settings_given, traded_as_asked
from geiger.cli.show import (
    EXIT,
    Voice,
    cost_lines,
    data_lines,
    run_facts,
    scorecard_text,
    show_repeated,
    stored_facts,
)
from geiger.cli.summary import row_line
from geiger.cli.terminal import print_json, shown_in
from geiger.cli.train import Result, Turn, for_each, show_one, show_plan, train_one
from geiger.errors import SettingError
from geiger.experiment.cost_curve import CostRow, cost_curve
from geiger.experiment.own import estimator_of_run
from geiger.experiment.past_material import material_of_run
from geiger.experiment.plan import Experiment, Plan, plan
from geiger.judging.run import backtest as trade
from geiger.judging.summary import row_of
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
    voice = Voice()
    stored, runs = run_named(args.run, args.runs_dir)
    if runs.root.resolve() != args.runs_dir.resolve():
        raise SettingError(f"{args.run}: lies outside {args.runs_dir}; name its folder with --runs-dir")
    if stored.record.forecasts_of is not None:  # of a backtest, the run whose forecasts it traded
        stored = runs.load(stored.record.forecasts_of)
    symbol = stored.record.symbol
    if any(named != symbol for named in (*args.symbols, *args.named)):
        raise SettingError(f"{stored.name} is a run of {symbol}; leave the symbol out, or name that one")
    if stored.record.members:
        from geiger.cli.panel_again import backtest_panels

        return backtest_panels(args, [stored])
    code, facts = _trade_run(args, stored, voice, Turn())
    if args.json:
        print_json([facts])
    return code


def _trade_run(args: argparse.Namespace, stored: StoredRun, voice: Voice, turn: Turn) -> Result:
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
    return _trade(args, plan(experiment, material), stored, voice, turn)


def _backtest(args: argparse.Namespace, experiment: Experiment, voice: Voice, turn: Turn) -> Result:
    """Use the stored forecasts of exactly these settings and prices; train first where there are none.

    Where the line names neither, they are those of the run trained last.
    """
    if not settings_given(args):
        newest = experiment.runs.newest(experiment.symbol, experiment.model, usable=True)
        if newest is not None and args.data is None:
            return _trade_run(args, newest, voice, turn)
        if newest is not None:  # other prices, under the settings it was trained with
            experiment = replace(experiment, config=traded_as_asked(args, newest.config()))
    planned = plan(experiment)
    stored = planned.stored()
    if stored is None:
        brief = turn.several and not args.verbose
        if not args.json and not brief:
            show_plan(planned, voice, verbose=args.verbose)
            print("  no forecasts with these settings yet: training first", flush=True)
        trained = train_one(planned, quiet=args.json, turn=turn, brief=brief)
        stored = experiment.runs.load(trained.name)
    return _trade(args, planned, stored, voice, turn)


def _trade(args: argparse.Namespace, planned: Plan, stored: StoredRun, voice: Voice, turn: Turn) -> Result:
    """Trade stored forecasts, and show what came of it, beside other costs and a day's delay."""
    brief = args.json or (turn.several and not args.verbose)
    if not brief:
        voice.say(data_lines(planned) if args.verbose else [])
        told = f"{planned.experiment.symbol} {planned.model}: forecasts of {stored.name}"
        print("\n".join(shown_in(told, hanging="  ")), flush=True)
    rows = cost_curve(stored.forecasts(), planned.material, planned.experiment.config)
    if not args.again and same_ledger(stored, planned):
        return _repeated(args, stored, rows, turn)
    finished = trade(planned, stored)
    if args.verbose and not args.json:
        print(f"\n{scorecard_text(finished.evaluation.results())}\n")
    if not args.json:
        show_one(args, finished, voice, turn)
        _show_costs(args, rows, turn)
    return EXIT[finished.status], {**run_facts(finished), "costs": codec.plain(rows)}


def _repeated(args: argparse.Namespace, stored: StoredRun, rows: Sequence[CostRow], turn: Turn) -> Result:
    """Show the training's own ledger, which this backtest would only repeat."""
    if args.json:
        return EXIT[stored.record.status], {**stored_facts(stored), "costs": codec.plain(rows)}
    if turn.several:
        print("\n".join(shown_in(turn.named(row_line(row_of(stored))), hanging="  ")), flush=True)
    if args.verbose or not turn.several:
        show_repeated(args, stored)
    _show_costs(args, rows, turn)
    return EXIT[stored.record.status], stored_facts(stored)


def _show_costs(args: argparse.Namespace, rows: Sequence[CostRow], turn: Turn) -> None:
    if args.verbose or not turn.several:
        print("\n".join(cost_lines(rows)), flush=True)


def same_ledger(stored: StoredRun, planned: Plan) -> bool:
    """Return whether a training was traded as `planned` would trade its forecasts, on the same prices."""
    record, then, now = stored.record, stored.config(), planned.experiment.config
    return (
        record.kind == "train"
        and (then.trading, then.back_transform, then.horizon)
        == (now.trading, now.back_transform, now.horizon)
        and record.fill == planned.material.fill
        and record.data.data_hash == planned.material.provenance.data_hash
        and record.data.lockbox_from == planned.material.provenance.lockbox_from
    )
