"""Every command and option, in the order of the help. Nothing heavy is imported here."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn, TypeAlias

from geiger import __version__
from geiger.cli.complaint import complain
from geiger.settings.contract import COLUMNS
from geiger.settings.models import SECTIONS, choices
from geiger.settings.recipes import RECIPES

USAGE = 2
RUN = "a run: its name, the beginning of one (the newest counts), latest, or its folder"
A_LOG = "its name, the beginning of one (the newest counts), latest, or its file"
EPILOG = """\
exit codes: 0 fine, 1 an error (one plain line), 2 usage, 3 FAILED, COLLAPSED or a red audit, 130 Ctrl-C
first steps: geiger demo · geiger data list · geiger train ridge AAPL · geiger backtest AAPL --model ridge
"""
FIRST = {  # what a bare `geiger` shows: enough to begin with
    "demo": "the whole way on embedded prices, in a few minutes",
    "train ridge AAPL": "train a model, and say whether it found anything",
    "logs analyze": "say what the new logs mean, and what to do next",
    "report latest": "one page of a run, for any browser",
    "runs": "all runs in one table",
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line: the usage of `train` alone would fill half a screen."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the line, and end."""
        complain(f"{_shortened(message)}; `{self.prog} --help` shows what there is")
        sys.exit(USAGE)

    def options(self) -> list[str]:
        """Return every option of this command."""
        return [word for action in self._actions for word in action.option_strings]

    def arguments(self) -> list[argparse.Action]:
        """Return options and places, without the commands."""
        return [one for one in self._actions if not isinstance(one, argparse._SubParsersAction)]

    def commands(self) -> dict[str, Parser]:
        """Return the commands, or the actions of a command, with the parser of each; empty without."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}


_CHOICE = re.compile(r"argument ([^:]+): invalid choice: '(.*)' \(choose from (.*)\)", re.DOTALL)


def _shortened(message: str) -> str:
    """Return a complaint of argparse with the nearest right word in place of all that there are.

    >>> _shortened("argument COMMAND: invalid choice: 'trian' (choose from 'demo', 'train')")
    "no COMMAND 'trian': did you mean 'train'"
    >>> _shortened("argument --risk: invalid choice: 'x' (choose from 'conservative', 'balanced')")
    "no --risk 'x': choose from 'conservative', 'balanced'"
    """
    found = _CHOICE.fullmatch(message)
    if found is None:
        return message
    what, word, known = found.groups()
    near = nearest(word, [one.strip(" '") for one in known.split(",")])
    return f"no {what} {word!r}: {f'did you mean {near!r}' if near else f'choose from {known}'}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a slip of the pen meant; None where none is near.

    >>> nearest("--epoch-s", ["--epochs", "--seeds"]), nearest("zzz", ["--epochs"])
    ('--epochs', None)
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def first_lines() -> str:
    """Return what a bare ``geiger`` says: the commands that matter, and how to see all."""
    there = build_parser().commands()
    shown = {line: text for line, text in FIRST.items() if line.split()[0] in there}
    width = max(map(len, shown))
    lines = [f"  geiger {line.ljust(width)}  {text}" for line, text in shown.items()]
    title = "Trains next-day stock-return forecasters and says what they are worth."
    return "\n".join([title, "", *lines, "", "All commands: geiger --help. Of one: geiger train --help."])


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Return the parsed command line; symbols may stand before, between and after the options."""
    words = sys.argv[1:] if argv is None else argv
    if not words:
        print(first_lines())
        sys.exit(0)
    args, rest = build_parser().parse_known_args(words)
    args.words = words
    if rest and ("symbols" not in args or any(word.startswith("-") for word in rest)):
        unknown = [word for word in rest if word.startswith("-") or "symbols" not in args]
        near = nearest(unknown[0].split("=")[0], args.parser.options()) if unknown[0] != "-" else None
        meant = f": did you mean {near}" if near else ""
        args.parser.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
    if rest:
        args.symbols = [*args.symbols, *rest]
    return args


def build_parser() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(
        prog="geiger",
        description="Trains next-day stock-return forecasters the strict way and says what they are worth.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"geiger {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _demo(commands)
    _data(commands)
    _features(commands)
    _train(commands)
    _backtest(commands)
    _predict(commands)
    _runs(commands)
    _report(commands)
    _serve(commands)
    _export(commands)
    _replay(commands)
    _audit(commands)
    _judge(commands)
    _trials(commands)
    _unseal(commands)
    _logs(commands)
    _ablate(commands)
    _validate(commands)
    _calibrate(commands)
    _doctor(commands)
    _agents(commands)
    _mcp(commands)
    _completion(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def _command(commands: Commands, name: str, handler: str, help: str) -> Parser:
    text = help[0].upper() + help[1:] + "."
    parser = commands.add_parser(name, help=help, description=text)
    parser.set_defaults(handler=handler, parser=parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _demo(commands: Commands) -> None:
    parser = _command(
        commands,
        "demo",
        "geiger.cli.demo:demo",
        "the whole way on embedded real data, from prices to a scorecard",
    )
    parser.add_argument(
        "--recipe", choices=tuple(RECIPES), default="quick", help="settings to use (default: quick)"
    )
    _folders(parser)
    _verbose(parser)


def _data(commands: Commands) -> None:
    data = commands.add_parser(
        "data", help="see, check, add and fetch prices", description="See, check, add and fetch prices."
    )
    actions = data.add_subparsers(dest="action", required=True, metavar="ACTION")
    home = "geiger.cli.data"

    parser = _command(actions, "list", f"{home}:list_data", "list the symbols at hand")
    _source(parser)
    _runs_dir(parser)
    _json(parser)

    parser = _command(actions, "show", f"{home}:show_data", "show one symbol: source, days, last bars")
    parser.add_argument("symbol", metavar="SYMBOL")
    _source(parser)
    _runs_dir(parser)
    _json(parser)

    parser = _command(
        actions, "check", f"{home}:check_data", "read a price file and list everything doubtful about it"
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument(
        "--symbol",
        help="whose rows to read and whose calendar to compare with (default: from the file's name)",
    )
    _json(parser)

    parser = _command(actions, "add", f"{home}:add_data", "check a price file and keep it under a symbol")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--symbol", help="name to keep it under (default: the file's name)")
    _runs_dir(parser)
    _json(parser)

    parser = _command(actions, "fetch", f"{home}:fetch_data", "fetch a symbol from Yahoo and keep it")
    parser.add_argument("symbol", metavar="SYMBOL")
    _span(parser)
    _runs_dir(parser)
    _json(parser)

    parser = _command(
        actions,
        "example",
        f"{home}:example_data",
        "write made-up files to try: prices, forecasts, a messy one",
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where to write them; made where missing")
    parser.add_argument("--force", action="store_true", help="write over files that hold something else, too")
    _json(parser)


def _features(commands: Commands) -> None:
    features = commands.add_parser(
        "features",
        help=f"the {COLUMNS}-column feature contract",
        description=f"The {COLUMNS}-column feature contract.",
    )
    actions = features.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = _command(actions, "list", "geiger.cli.features:list_features", "print the contract")
    _json(parser)
    parser = _command(actions, "build", "geiger.cli.features:build", "compute the frame of one symbol")
    parser.add_argument("symbol", metavar="SYMBOL")
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=True, help="where to write: .parquet or .csv"
    )
    _source(parser)
    _context(parser)
    _runs_dir(parser)
    _json(parser)


def _train(commands: Commands) -> None:
    parser = _command(
        commands, "train", "geiger.cli.train:train", "train one model strictly walk-forward, one log a symbol"
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help=f"one of {', '.join(choices())} (gbm: all three boosters, net: both networks, "
        "stack: all of them, weighed)",
    )
    parser.add_argument("symbols", metavar="SYMBOL", nargs="*")
    parser.add_argument(
        "--symbols-file", metavar="FILE", type=Path, help="a file of symbols, one a line or with commas"
    )
    parser.set_defaults(named=[])
    parser.add_argument(
        "--panel", metavar="NAME", help="learn from all symbols together, as one run with this name"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done and stop")
    group = parser.add_argument_group("verdict (of several symbols neither is made)")
    group.add_argument(
        "--no-audit", dest="audit", action="store_false", help="make no time-travel audit where there is none"
    )
    group.add_argument(
        "--no-check-source",
        dest="check_source",
        action="store_false",
        help="do not try the same pipeline on these prices with nothing to find, and with something planted",
    )
    parser.add_argument(
        "--mlflow", metavar="URI", help="write the run to this MLflow store as well, when it is done"
    )
    _own(parser, "features", "target", "estimator")
    _experiment(parser)
    _verbose(parser)
    _json(parser)


def _backtest(commands: Commands) -> None:
    parser = _command(
        commands,
        "backtest",
        "geiger.cli.backtest:backtest",
        "trade the stitched out-of-sample forecasts of a model beside its baselines",
    )
    parser.add_argument("symbols", metavar="SYMBOL", nargs="*", help="or the name of a panel")
    parser.add_argument(
        "--symbol", dest="named", metavar="SYMBOL", action="append", default=[], help="the same, as an option"
    )
    parser.set_defaults(symbols_file=None)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="whose forecasts to trade (default: the model trained last, or else the stack)",
    )
    parser.add_argument(
        "--run",
        metavar="RUN",
        help="trade exactly this run's forecasts; only trading options change anything",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="leave a run and a log of its own even where the ledger is the very one of the training",
    )
    _own(parser, "features", "target", "estimator")
    _experiment(parser)
    _verbose(parser)
    _json(parser)


def _predict(commands: Commands) -> None:
    parser = _command(
        commands,
        "predict",
        "geiger.cli.predict:predict_next",
        "forecast the next session with a saved model, and score what was forecast before",
    )
    parser.add_argument("symbols", metavar="SYMBOL", nargs="*", help="or the name of a panel")
    parser.set_defaults(named=[], symbols_file=None)
    parser.add_argument(
        "--model", metavar="MODEL", help="whose newest run to use (default: the newest of any)"
    )
    parser.add_argument("--run", metavar="RUN", help=f"use exactly this run ({RUN})")
    parser.add_argument(
        "--level", type=float, default=0.9, metavar="P", help="share the interval shall hold (default: 0.9)"
    )
    parser.add_argument(
        "--save",
        action="store_true",
        help="append the forecast to the ledger; it counts if its entry is still to come",
    )
    parser.add_argument(
        "--score", action="store_true", help="score the saved forecasts whose outcomes have become known"
    )
    _own(parser, "features", "target")
    _source(parser)
    _runs_dir(parser)
    _json(parser)


def _report(commands: Commands) -> None:
    parser = _command(
        commands,
        "report",
        "geiger.cli.report:report",
        "write one HTML page of a run, or of several side by side",
    )
    parser.add_argument("run", metavar="RUN", nargs="?", help=RUN)
    parser.add_argument("--compare", metavar="RUN", nargs="+", help="put these runs side by side")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=Path,
        help="where to write (default: report.html in the run's folder; compare_*.html among the runs)",
    )
    _folders(parser)
    _json(parser)


def _runs(commands: Commands) -> None:
    parser = _command(
        commands,
        "runs",
        "geiger.cli.runs:list_runs",
        "every run in one table: the answer, how sure, what it earned beside buy and hold",
    )
    parser.add_argument(
        "--sort",
        choices=("age", "verdict", "p", "correlation", "sharpe", "name"),
        default="age",
        help="what stands first: the newest, the surest, the largest (default: age)",
    )
    parser.add_argument("--symbol", metavar="SYMBOL", help="only of this symbol or panel")
    parser.add_argument("--model", metavar="NAME", help="only of this model or group, or backtest")
    parser.add_argument(
        "--answer", metavar="ANSWER", help="only with this answer: signal, no-signal, cannot-tell or none"
    )
    parser.add_argument(
        "--status",
        metavar="WORD",
        help="only with this status: success, failed, collapsed, running, stopped or damaged",
    )
    parser.add_argument("--limit", type=int, metavar="N", default=50, help="at most N (default: 50)")
    parser.add_argument("--all", action="store_true", help="all of them")
    _folders(parser)
    _json(parser)


def _serve(commands: Commands) -> None:
    parser = _command(
        commands,
        "serve",
        "geiger.cli.serve:serve_runs",
        "a live view of runs and trainings for a browser on this machine",
    )
    parser.add_argument(
        "--host",
        metavar="HOST",
        default="127.0.0.1",
        help="address to listen on; any but this machine's own asks for a token (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--port",
        type=int,
        metavar="N",
        default=8737,
        help="port to listen on; 0 takes a free one (default: 8737)",
    )
    _folders(parser)


def _export(commands: Commands) -> None:
    export = commands.add_parser(
        "export", help="a run for other programs", description="A run for other programs."
    )
    actions = export.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = _command(
        actions,
        "mlflow",
        "geiger.cli.export:export_mlflow",
        "write a run to an MLflow tracking store; the same run again is updated",
    )
    parser.add_argument("run", metavar="RUN", help="name of the run, its beginning, or latest")
    parser.add_argument(
        "--uri", metavar="URI", required=True, help="the store, as sqlite:///mlflow.db or http://host:5000"
    )
    parser.add_argument(
        "--experiment", metavar="NAME", default="geiger", help="where in the store (default: geiger)"
    )
    _folders(parser)
    _json(parser)


def _replay(commands: Commands) -> None:
    parser = _command(
        commands,
        "replay",
        "geiger.cli.replay:replay_run",
        "repeat a run from its record and say whether every forecast has the same bits",
    )
    parser.add_argument("run", metavar="RUN", help=RUN)
    _own(parser, "features", "target", "estimator")
    _runs_dir(parser)
    _json(parser)


def _audit(commands: Commands) -> None:
    parser = _command(
        commands,
        "audit",
        "geiger.cli.audit:audit_symbol",
        "prove that nothing saw the future: alter it, run every stage again, and name what moved",
    )
    parser.add_argument("symbols", metavar="SYMBOL", nargs="*")
    parser.set_defaults(named=[], symbols_file=None)
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help=f"whose training to audit: one of {', '.join(SECTIONS)} (default: ridge)",
    )
    parser.add_argument(
        "--run", metavar="RUN", help="audit what made this run, of a symbol or a panel, on the data it kept"
    )
    parser.add_argument(
        "--again", action="store_true", help="audit all of it once more, whatever was audited before"
    )
    parser.add_argument(
        "--canaries",
        action="store_true",
        help="plant a leak of each kind as well: the audit is red unless it finds and names every one",
    )
    parser.add_argument(
        "--museum",
        action="store_true",
        help="show famous claims rebuilt on noise, the honest figure beside each, and how the audit names it",
    )
    _own(parser, "features", "target", "estimator")
    _experiment(parser)
    _json(parser)


def _judge(commands: Commands) -> None:
    parser = _command(
        commands,
        "judge",
        "geiger.cli.judge:judge",
        "give the verdict on forecasts that were made elsewhere, or once more on a run",
    )
    parser.add_argument(
        "what",
        metavar="FORECASTS|RUN",
        help=f"a CSV or Parquet file with a day and a forecast a row; or {RUN}",
    )
    group = parser.add_argument_group("forecasts (a run has its own prices, settings and tries)")
    group.add_argument(
        "--prices", metavar="FILE", type=Path, help="daily bars, of which the outcomes are made"
    )
    _source(parser)
    group.add_argument("--symbol", help="whose rows to read, and whose prices where no file of them is given")
    group.add_argument(
        "--tries",
        type=int,
        metavar="N",
        help="how many forecasts of these days were looked at, this one among them",
    )
    group.add_argument(
        "--made-in-time",
        action="store_true",
        help="your word that each forecast was made before what it is of, with nothing known only later",
    )
    group.add_argument(
        "--fill", choices=("next_open", "close"), help="when a decision is filled (default: next_open)"
    )
    group.add_argument("--horizon", type=int, metavar="N", help="days that a forecast is of (default: 1)")
    group.add_argument(
        "--cost-bps", type=float, metavar="BP", help="cost of a unit of turnover, one way (default: 5)"
    )
    _own(parser, "target", "estimator")
    _folders(parser)
    _json(parser)


def _unseal(commands: Commands) -> None:
    parser = _command(
        commands,
        "unseal",
        "geiger.cli.unseal:unseal_run",
        "score the lock-box of a run, once, and give its verdict again",
    )
    parser.add_argument("run", metavar="RUN", help=RUN)
    _own(parser, "target", "estimator")
    _runs_dir(parser)
    _verbose(parser)
    _json(parser)


def _trials(commands: Commands) -> None:
    trials = commands.add_parser(
        "trials",
        help="the register of everything that was ever scored, each try counted once",
        description="The register of everything that was ever scored, each try counted once.",
    )
    actions = trials.add_subparsers(dest="action", required=True, metavar="ACTION")
    home = "geiger.cli.trials"

    parser = _command(actions, "list", f"{home}:list_trials", "list the trials, the newest first")
    parser.add_argument("--symbol", metavar="SYMBOL", help="only of the prices of this symbol, however named")
    parser.add_argument("--limit", type=int, metavar="N", default=50, help="at most N (default: 50)")
    parser.add_argument("--all", action="store_true", help="all of them")
    _runs_dir(parser)
    _json(parser)

    parser = _command(
        actions,
        "verify",
        f"{home}:verify_trials",
        "say whether a line or file of the register was changed or removed, by all that names its head",
    )
    _folders(parser)
    _json(parser)


def _logs(commands: Commands) -> None:
    logs = commands.add_parser(
        "logs",
        help="the log analyzer: what runs say, what it means, what to do next",
        description="The log analyzer: what runs say, what it means, what to do next.",
    )
    actions = logs.add_subparsers(dest="action", required=True, metavar="ACTION")
    home = "geiger.cli.logs"

    parser = _command(actions, "list", f"{home}:list_logs", "list the logs, the newest first")
    parser.add_argument("--symbol", metavar="SYMBOL", help="only this symbol")
    parser.add_argument("--model", metavar="NAME", help="only this model; xgb and gbm_xgb are the same")
    parser.add_argument(
        "--status", choices=("SUCCESS", "FAILED", "COLLAPSED", "NONE"), help="only logs that end so"
    )
    parser.add_argument("--new", action="store_true", help="only logs that were not analyzed yet")
    parser.add_argument(
        "--sort",
        choices=LOG_SORTS,
        default="began",
        help=f"{', '.join(LOG_SORTS)}: the best first (default: began, the newest first)",
    )
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument("--limit", type=int, metavar="N", default=50, help="at most N (default: 50)")
    parser.add_argument("--all", action="store_true", help="all of them")
    _log_dir(parser)
    _json(parser)

    parser = _command(actions, "show", f"{home}:show_log", "show what one log says, with line numbers")
    parser.add_argument("log", metavar="LOG", help=f"a log: {A_LOG}")
    _verbose(parser, "settings, epochs and the whole verdict as well")
    _log_dir(parser)
    _json(parser)

    parser = _command(
        actions, "analyze", f"{home}:analyze_logs", "say what the new logs mean and what to do next"
    )
    parser.add_argument(
        "logs", metavar="LOG", nargs="*", help=f"these logs (default: the new ones), each {A_LOG}"
    )
    parser.add_argument("--all", action="store_true", help="all logs, new or not")
    parser.add_argument(
        "--limit", type=int, metavar="N", default=20, help="show at most N logs (default: 20)"
    )
    _verbose(parser, "every finding of every log, with its lines and its cause")
    _log_dir(parser)
    _json(parser)

    parser = _command(
        actions, "compare", f"{home}:compare_logs", "put logs side by side, ranked where they compare"
    )
    parser.add_argument("logs", metavar="LOG", nargs="+", help=f"each {A_LOG}")
    _log_dir(parser)
    _json(parser)

    parser = _command(actions, "watch", f"{home}:watch_logs", "report each log as soon as its run ends")
    parser.add_argument("--count", type=int, metavar="N", help="stop after N logs")
    parser.add_argument("--seconds", type=float, metavar="N", help="stop after N seconds")
    _log_dir(parser)
    _json(parser)


def _calibrate(commands: Commands) -> None:
    parser = _command(
        commands,
        "calibrate",
        "geiger.cli.calibrate:calibrate_verdict",
        "measure how often the verdict rings, falsely and rightly, on made markets or on a run's own prices",
    )
    group = parser.add_argument_group("on made markets")
    group.add_argument(
        "--tier",
        choices=TIERS,
        default="quick",
        help="how much: quick takes minutes, others hours (default: quick)",
    )
    for tier in TIERS[:2]:
        group.add_argument(
            f"--{tier}", dest="tier", action="store_const", const=tier, help=f"the same as --tier {tier}"
        )
    group.add_argument("--workers", type=int, metavar="N", help="processes (default: one a processor)")
    group.add_argument("--minutes", type=float, metavar="M", help="start nothing new after so long")
    group.add_argument("--out", metavar="FILE", type=Path, help="write the tables to this file as well")
    group = parser.add_argument_group("on the prices of a run")
    group.add_argument(
        "--here",
        metavar="RUN",
        help="hold the check source to this run: its prices, other labels, a known source",
    )
    group.add_argument("--paths", type=int, metavar="N", help="worlds of each strength (default: 50)")
    _own(parser, "features", "target", "estimator")
    _runs_dir(parser)
    _json(parser)


def _ablate(commands: Commands) -> None:
    parser = _command(
        commands,
        "ablate",
        "geiger.cli.ablate:ablate",
        "change one thing at a time, on markets whose answer is known and on real ones",
    )
    parser.add_argument("symbols", metavar="SYMBOL", nargs="*", help="real symbols (default: all of --data)")
    parser.add_argument(
        "--symbols", dest="named", metavar="SYMBOL", nargs="+", default=[], help="the same, as an option"
    )
    _source(parser)
    _context(parser)
    group = parser.add_argument_group("what to run")
    group.add_argument("--arms", metavar="GLOB", default="*", help="arms by name, as 'loss-*'")
    group.add_argument("--group", metavar="NAME", help="the arms of one group")
    group.add_argument(
        "--markets",
        choices=("planted", "real", "all"),
        help="made markets, real symbols or both (default: planted; all where symbols or --data are given)",
    )
    group.add_argument("--market-seeds", metavar="N", type=int, default=4, help="made markets of each kind")
    group.add_argument("--train-rows", metavar="N", type=int, default=3000, help="rows a made market teaches")
    group.add_argument("--test-rows", metavar="N", type=int, default=1000, help="rows forecast there")
    group.add_argument("--start", metavar="DAY", help="first day to use of real symbols")
    group.add_argument(
        "--end", metavar="DAY", default="2017-12-31", help="last day to use (default: 2017-12-31)"
    )
    group.add_argument("--refit", type=int, metavar="N", default=504, help="rows between trainings (real)")
    group.add_argument("--max-folds", type=int, metavar="N", default=3, help="most recent folds (real)")
    group.add_argument("--beyond-range", action="store_true", help="also: do trees forecast beyond a range?")
    group.add_argument("--stacks", action="store_true", help="instead: every way of weighing the base models")
    group.add_argument("--workers", type=int, metavar="N", help="processes (default: one a processor)")
    group.add_argument("--minutes", type=float, metavar="N", help="start no training after N minutes")
    group.add_argument("--dry-run", action="store_true", help="say what would be done and stop")
    group.add_argument("--report", action="store_true", help="train nothing, report what there is")
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("docs/evidence"), help="folder of the report"
    )
    _runs_dir(parser)
    _json(parser)


def _validate(commands: Commands) -> None:
    parser = _command(
        commands,
        "validate",
        "geiger.cli.validate:validate_symbols",
        "many symbols and several models: one table, gates beside chance, the best of all by luck",
    )
    parser.add_argument("symbols", metavar="SYMBOL", nargs="*")
    parser.set_defaults(named=[], parallel=None)
    parser.add_argument(
        "--symbols-file", metavar="FILE", type=Path, help="a file of symbols, one a line or with commas"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done and stop")
    group = parser.add_argument_group("what to run, and where")
    group.add_argument(
        "--models",
        metavar="M,M",
        default="ridge,lgb",
        help=f"models, each on every symbol: {', '.join(choices())} (default: ridge,lgb)",
    )
    group.add_argument(
        "--recipe",
        dest="recipes",
        metavar="NAME",
        choices=tuple(RECIPES),
        action="append",
        help=f"named settings, {', '.join(RECIPES)}; several are run one beside the other (default: default)",
    )
    group.add_argument(
        "--panel",
        metavar="NAME",
        default="PANEL",
        help="what all symbols are called together, on which each model is trained as well (default: PANEL)",
    )
    group.add_argument(
        "--no-panel", dest="panel", action="store_const", const=None, help="train no model on all together"
    )
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default="local",
        help="who trains: processes of this machine, or a Ray cluster (default: local)",
    )
    group.add_argument(
        "--workers", type=int, metavar="N", help="jobs at a time (default: one a processor; ray: its own)"
    )
    _source(parser)
    _context(parser)
    _span(parser)
    group = parser.add_argument_group("settings")
    _settings(group)
    _folders(parser)
    _json(parser)


def _doctor(commands: Commands) -> None:
    parser = _command(
        commands,
        "doctor",
        "geiger.cli.doctor:doctor",
        "say what is installed, which device and threads, what data",
    )
    _source(parser)
    _runs_dir(parser)
    _json(parser)


def _agents(commands: Commands) -> None:
    agents = commands.add_parser(
        "agents",
        help="assistants that read logs, for a project of yours",
        description="Assistants that read logs, for a project of yours.",
    )
    actions = agents.add_subparsers(dest="action", required=True, metavar="ACTION")
    parser = _command(
        actions,
        "install",
        "geiger.cli.agents:install_agents",
        "write the three definitions to .claude/agents of a project",
    )
    parser.add_argument(
        "project", metavar="DIR", type=Path, nargs="?", default=Path(), help="the project (default: here)"
    )
    parser.add_argument("--force", action="store_true", help="write over files that differ, too")
    _json(parser)


def _mcp(commands: Commands) -> None:
    parser = _command(
        commands, "mcp", "geiger.cli.mcp:mcp", "the log analyzer as an MCP server on stdin and stdout"
    )
    _folders(parser)


def _completion(commands: Commands) -> None:
    parser = _command(
        commands,
        "completion",
        "geiger.cli.completion:completion",
        "print what makes a shell complete commands and options: bash, zsh or fish",
    )
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")


def _experiment(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command with an experiment shares."""
    _source(parser)
    _context(parser)
    _span(parser)
    group = parser.add_argument_group("settings")
    group.add_argument("--recipe", choices=tuple(RECIPES), help="named settings (default: default)")
    _settings(group)
    group.add_argument("--models", metavar="M,M", help="base models of a stack, as ridge,lgb,lstm")
    group.add_argument(
        "--parallel",
        choices=("auto", "processes", "vmap"),
        help="how networks are trained: a fold a process (CPU), or all in one program (GPU)",
    )
    group.add_argument(
        "--workers", type=int, metavar="N", help="folds trained at a time (default: one a processor)"
    )
    _folders(parser)


def _settings(group: argparse._ArgumentGroup) -> None:
    """Add the settings that every training has, whatever is trained and by whom."""
    group.add_argument("--config", metavar="FILE", type=Path, help="settings in a TOML file; options win")
    group.add_argument("--risk", choices=("conservative", "balanced", "aggressive"), help="risk appetite")
    group.add_argument("--epochs", type=int, metavar="N", help="at most this many epochs, or trees")
    group.add_argument("--batch-size", type=int, metavar="N", help="targets in a batch (networks)")
    group.add_argument("--lookback", type=int, metavar="N", help="days a network's blocks look back")
    group.add_argument("--seeds", type=int, metavar="N", help="members whose forecasts are averaged")
    group.add_argument("--seed", type=int, metavar="N", help="root of all randomness")
    group.add_argument("--refit", type=int, metavar="N", help="rows between two trainings")
    group.add_argument("--min-train", type=int, metavar="N", help="rows before the first forecast")
    group.add_argument("--rolling", type=int, metavar="N", help="learn from the last N rows, not from all")
    group.add_argument("--max-folds", type=int, metavar="N", help="only the most recent N folds")
    group.add_argument("--fill", choices=("next_open", "close"), help="when a decision is filled")
    group.add_argument(
        "--rule", choices=("sign", "long_flat", "proportional"), help="from forecast to position"
    )
    group.add_argument("--cost-bps", type=float, metavar="BP", help="cost of a unit of turnover, one way")
    group.add_argument(
        "--lockbox", type=int, metavar="N", help="last rows that are never scored (default: one year)"
    )


SHELLS = ("bash", "zsh", "fish")
ENGINES = ("local", "ray")
LOG_SORTS = (
    "began",
    "name",
    "verdict",
    "p",
    "accuracy",
    "correlation",
    "sharpe",
    "wfe",
    "drawdown",
    "findings",
)
TIERS = ("quick", "standard", "tries", "networks", "stack", "demo")
OWN = {
    "features": (
        "FILE.py:NAME",
        "features of your own beside ours: a function of bars, or a FILE.parquet by day",
    ),
    "target": ("FILE.py:NAME", "a target of your own in place of the return: a function of bars"),
    "estimator": (
        "FILE.py:NAME",
        "your own model (MODEL is own): an object with fit and predict, or its maker",
    ),
}


def _own(parser: argparse.ArgumentParser, *kinds: str) -> None:
    """Add what may be the user's own; a file named here is run."""
    group = parser.add_argument_group("your own")
    for kind in kinds:
        metavar, text = OWN[kind]
        group.add_argument(f"--{kind}", metavar=metavar, help=text)


def _verbose(parser: argparse.ArgumentParser, text: str = "say all there is, not the gist alone") -> None:
    parser.add_argument("-v", "--verbose", action="store_true", help=text)


def _source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        help="a folder of SYMBOL.csv or .parquet, or one file (default: added and embedded prices)",
    )


def _context(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--context", metavar="SYMBOL", help="the market index to use, or none")


def _span(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--start", metavar="DAY", help="first day to use, as 2012-03-31")
    parser.add_argument("--end", metavar="DAY", help="last day to use")


def _folders(parser: argparse.ArgumentParser) -> None:
    _log_dir(parser)
    _runs_dir(parser)


def _log_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--log-dir", metavar="DIR", type=Path, default=Path("training_logs"), help="folder of the logs"
    )


def _runs_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runs-dir", metavar="DIR", type=Path, default=Path("runs"), help="folder of the runs"
    )


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
