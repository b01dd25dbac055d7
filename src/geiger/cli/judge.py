"""``geiger judge``: the verdict on forecasts that were made elsewhere, or once more on a run."""

from __future__ import annotations

import argparse
from pathlib import Path

from geiger.cli.named import run_named
from geiger.cli.terminal import print_json, wrapped
from geiger.codec import plain
from geiger.errors import SettingError
from geiger.judging.again import judge_stored
from geiger.judging.foreign import verdict
from geiger.market.snapshots import Store
from geiger.runlog.verdict import verdict_lines
from geiger.runs.folder import RunsFolder, StoredRun

SCHEMA = 1
COLUMNS = 110  # of lines on a pipe
OF_FORECASTS = ("prices", "data", "symbol", "tries", "made_in_time", "fill", "horizon", "cost_bps")


def judge(args: argparse.Namespace) -> int:
    """Judge a file of forecasts, or else a run."""
    path = Path(args.what)
    if path.is_file() or path.suffix.lower() in (".csv", ".txt", ".tsv", ".parquet", ".pkl", ".pickle"):
        return _judge_forecasts(args, path)
    return _judge_run(args)


def _judge_forecasts(args: argparse.Namespace, path: Path) -> int:
    if args.target or args.estimator:
        raise SettingError("--target and --estimator are parts of a run; a file of forecasts has none")
    found = verdict(
        path,
        prices=args.prices,
        data=args.data,
        symbol=args.symbol,
        tries=args.tries,
        made_in_time=args.made_in_time,
        fill=args.fill or "next_open",
        horizon=1 if args.horizon is None else args.horizon,
        cost_bps=args.cost_bps,
        library=Store(RunsFolder(args.runs_dir).library),
    )
    if args.json:
        facts = {"file": str(path), "symbol": found.symbol, "kind": found.kind, "audited": False}
        print_json(
            {
                "schema": SCHEMA,
                **facts,
                "made_in_time": args.made_in_time,
                "verdict": plain(found.verdict),
                "notes": list(found.notes),
            }
        )
        return 0
    _show(list(found.lines()))
    return 0


def _judge_run(args: argparse.Namespace) -> int:
    given = [name for name in OF_FORECASTS if getattr(args, name) not in (None, False)]
    if given:
        option = "--" + given[0].replace("_", "-")
        raise SettingError(
            f"{option} is of a file of forecasts, and {args.what} is none; a run is judged by what it was "
            "and by its register"
        )
    stored, runs = run_named(args.what, args.runs_dir)
    found = judge_stored(stored, runs, target=args.target, estimator=args.estimator, log_dir=args.log_dir)
    if args.json:
        audited = _has_audit(stored, runs)
        print_json({"schema": SCHEMA, "run": stored.name, "audited": audited, "verdict": plain(found)})
        return 0
    first, *rest = verdict_lines(found)
    print(stored.name)
    _show([first, *(f"  {line}" for line in rest)])
    return 0


def _has_audit(stored: StoredRun, runs: RunsFolder) -> bool:
    """Return whether what made the forecasts of a run was audited."""
    return runs.load(stored.trained).record.audit is not None


def _show(lines: list[str]) -> None:
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        print("\n".join(wrapped(line.strip(), indent, f"{indent}  ", columns=COLUMNS)))
