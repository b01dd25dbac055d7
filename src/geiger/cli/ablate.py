"""``geiger ablate``: one thing changed at a time, over made markets and real symbols, with intervals."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from geiger.cli.complaint import complain
from geiger.cli.options import day_of
from geiger.cli.terminal import print_json, progress
from geiger.errors import SettingError
from geiger.experiment.tried import register_of
from geiger.runs.folder import RunsFolder
from geiger.studies.ablate import Results, Task, expected_hours, make_tasks, run, select
from geiger.studies.ablation_report import Ablation, write_report
from geiger.studies.arms import ARMS
from geiger.studies.beyond_range import beyond_range
from geiger.studies.markets import Market, RealMarket, made_markets, real_symbols
from geiger.studies.stacks import BY_DAY, stack_markets
from geiger.studies.stacks import report as report_stacks
from geiger.studies.stacks import run as run_stacks

# Options that a report repeats: what they are worth by default, so that only others are shown.
SHOWN = {
    **{"arms": "*", "group": None, "markets": None, "context": None, "start": None, "end": "2017-12-31"},
    **{"refit": 504, "max_folds": 3, "market_seeds": 4, "train_rows": 3000, "test_rows": 1000},
}


def ablate(args: argparse.Namespace) -> int:
    """Run what is missing, then write the report; a run that was stopped goes on."""
    _check(args)
    if args.stacks:
        return _stacks(args)
    arms = select(ARMS, args.arms, args.group)
    results = Results(RunsFolder(args.runs_dir).root / "studies" / "ablate.jsonl")
    tasks = make_tasks(arms, _markets(args))
    todo = results.open_tasks(tasks)
    hours = expected_hours(tasks, results, args.workers)
    facts: dict[str, Any] = {
        "arms": len(arms),
        "tasks": len(tasks),
        "todo": len(todo),
        "hours": round(hours, 2),
    }
    if not args.json:
        print(
            f"{len(arms)} arms, {len(tasks)} tasks, {len(todo)} to train, about {hours:.1f} hours", flush=True
        )
    if args.dry_run:
        if args.json:
            print_json(facts)
        return 0
    if not args.report:
        with progress("ablate", len(todo), quiet=args.json) as tick:
            run(
                tasks,
                results,
                register=register_of(RunsFolder(args.runs_dir)),
                workers=args.workers,
                minutes=args.minutes,
                on_done=lambda record: tick(f"{record['arm']} {record['status']}"),
            )
    beyond = beyond_range() if args.beyond_range else None
    page, data = write_report(Ablation(_command(args), arms, tasks, results, beyond), args.out)
    return _say(args, tasks, results, {**facts, "report": page, "data": data})


def _stacks(args: argparse.Namespace) -> int:
    """Weigh the same base forecasts in every way, and write that report instead."""
    found = _markets(args)
    markets: list[Market] = [market for market in found if market.kind == "real"]
    if len(markets) < len(found):
        markets = [*stack_markets(args.market_seeds), *markets]
    if args.dry_run:
        facts = {"markets": len(markets), "minutes": 2 * len(markets)}
        line = f"{facts['markets']} markets, about {facts['minutes']} minutes of one processor"
        print_json(facts) if args.json else print(line)
        return 0
    folder = RunsFolder(args.runs_dir).root / "studies" / "stacks"
    with progress("stacks", len(markets), quiet=args.json) as tick:
        records = run_stacks(
            markets, folder, workers=args.workers, on_done=lambda record: tick(record["market"])
        )
    page = report_stacks(records, _command(args), args.out)
    broken = [record for record in records if record["error"]]
    if args.json:
        print_json([{name: value for name, value in record.items() if name != BY_DAY} for record in records])
    else:
        print(f"Report: {page}")
    for record in broken:
        complain(f"{record['market']}: {record['error']}")
    return 1 if broken else 0


def _check(args: argparse.Namespace) -> None:
    for day in (args.start, args.end):
        day_of(day)
    for name in ("market_seeds", "train_rows", "test_rows", "refit", "max_folds", "workers"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise SettingError(f"--{name.replace('_', '-')} must be at least 1, got {value}")
    if args.minutes is not None and not args.minutes >= 0.0:
        raise SettingError(f"--minutes must be 0 or more, got {args.minutes}")


def _markets(args: argparse.Namespace) -> list[Market]:
    asked = args.markets or ("all" if args.symbols or args.named or args.data else "planted")
    found: list[Market] = []
    if asked != "real":
        found += made_markets(args.market_seeds, train_rows=args.train_rows, test_rows=args.test_rows)
    if asked != "planted":
        library = RunsFolder(args.runs_dir).library
        symbols = list(dict.fromkeys([*args.symbols, *args.named])) or real_symbols(args.data, library)
        found += [
            RealMarket(
                symbol, args.data, library, args.context, args.start, args.end, args.refit, args.max_folds
            )
            for symbol in symbols
        ]
    elif args.symbols or args.named:
        raise SettingError("--markets planted uses no symbols; leave them out or say --markets all")
    return found


def _say(args: argparse.Namespace, tasks: list[Task], results: Results, facts: dict[str, Any]) -> int:
    """Print what is missing and where the report is; 1 where a task broke, 0 otherwise."""
    missing = results.open_tasks(tasks)
    broken = [task for task in missing if task.key in results.errors]
    facts |= {"missing": len(missing), "broken": len(broken)}
    if args.json:
        print_json(facts)
    else:
        print(f"Report: {facts['report']}")
        if missing:
            print(f"{len(missing)} of {facts['tasks']} tasks have no result yet; the same command goes on")
    if broken:
        first = broken[0]
        where = f"{first.arm.name} on {first.market.name}"
        complain(f"{len(broken)} tasks broke, the first was {where}: {results.errors[first.key]}")
    return 1 if broken else 0


def _command(args: argparse.Namespace) -> str:
    """Return the command line that makes the report again; a folder is shown as DIR."""
    words = ["geiger", "ablate"]
    for name, usual in SHOWN.items():
        value = getattr(args, name)
        if value != usual:
            words += [f"--{name.replace('_', '-')}", str(value)]
    if args.data is not None:
        words += ["--data", "DIR"]
    words += ["--beyond-range"] if args.beyond_range else []
    words += ["--stacks"] if args.stacks else []
    return shlex.join([*words, *args.symbols, *args.named])
