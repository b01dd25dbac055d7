"""``geiger train MODEL --panel NAME SYMBOL...``: many symbols as one run."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geiger import codec
from geiger.cli.epochs import EpochNote
from geiger.cli.export import export_finished
from geiger.cli.gist import gist_lines, record_in
from geiger.cli.options import config_of
from geiger.cli.show import EXIT, short_warnings, warning_lines
from geiger.cli.terminal import counted, print_json, progress, shown_in
from geiger.errors import SettingError
from geiger.experiment.logged import places_of
from geiger.judging.panel import panel
from geiger.judging.run import Making
from geiger.models import expand, resolve
from geiger.panel.experiment import Panel
from geiger.panel.plan import PanelPlan, plan_panel
from geiger.panel.scores import FoldScores
from geiger.panel.written import PanelRun
from geiger.records import Outcome
from geiger.runlog.cross_section import cross_section_lines
from geiger.runlog.verdict import verdict_lines
from geiger.runlog.wording import audit_line, how_to_audit
from geiger.settings import panel_recipe


def train_panel(args: argparse.Namespace, symbols: Sequence[str]) -> int:
    """Train one model, or each of a group, on all symbols together."""
    for option in ("features", "target", "estimator"):
        if getattr(args, option) is not None:
            raise SettingError(f"--{option}: a panel learns from our features alone so far; leave it out")
    for option in ("rule", "risk"):
        if getattr(args, option) is not None:
            raise SettingError(
                f"--{option}: a panel is traded long/short, half of equity a side; leave it out"
            )
    config = config_of(args, panel_recipe)
    results = []
    for model in dict.fromkeys(resolve(one)[0] for one in expand(args.model)):
        work = Panel(
            name=args.panel,
            symbols=tuple(symbols),
            model=model,
            config=config,
            data=args.data,
            context=args.context,
            runs_dir=args.runs_dir,
            log_dir=args.log_dir,
            command=shlex.join(["geiger", *args.words]),
        )
        results.append(_train(args, plan_panel(work)))
    if args.json:
        print_json([facts for _, facts in results])
    return max(code for code, _ in results)


def _train(args: argparse.Namespace, planned: PanelPlan) -> tuple[int, dict[str, Any]]:
    if not args.json:
        print("\n".join(plan_lines(planned, verbose=args.verbose)), flush=True)
    if args.dry_run:
        return 0, plan_facts(planned)
    title = f"{planned.work.name} {planned.model}"
    with progress(title, sum(map(len, planned.folds.values())), quiet=args.json) as tick:
        on_epoch = EpochNote(tick, None, planned.work.config.seeds)

        def on_fold(model: str, fold: FoldScores) -> None:
            on_epoch.ended(fold.fold.index)
            tick(f"{model} fold {fold.fold.index}, {fold.learned_rows} rows")

        making = Making(audit=args.audit, check_source=False, on_step=tick, on_plan=tick.more)
        finished = panel(planned, making=making, on_fold=on_fold, on_epoch=on_epoch)
    if not args.json:
        show_panel(finished, verbose=args.verbose, log_dir=args.log_dir)
    export_finished(args.mlflow, finished.folder, args.log_dir)
    return EXIT[finished.status], run_facts(finished)


def show_panel(finished: PanelRun, *, verbose: bool, log_dir: Path) -> None:
    """Print what came of a panel's run: its gist, and with `verbose` all there is."""
    lines = gist_lines(record_in(finished.folder), finished.folder, log_dir)
    print("\n".join([*lines, "", *run_lines(finished)] if verbose else lines), flush=True)


def plan_facts(planned: PanelPlan) -> dict[str, Any]:
    """Return what a panel's run will do as JSON-able facts."""
    days = planned.test_days
    return {
        "panel": planned.work.name,
        "symbols": list(planned.material.symbols),
        "model": planned.model,
        "folds": {model: len(folds) for model, folds in planned.folds.items()},
        "test_days": len(days),
        "first_forecast": days[0],
        "last_forecast": days[-1],
        "data": planned.material.provenance.as_dict(),
        "warnings": codec.plain(planned.notices),
    }


def plan_lines(planned: PanelPlan, *, verbose: bool) -> list[str]:
    """Return what the data are, what is doubtful about them, and what will be done."""
    first, *warnings = data_lines(planned)
    if verbose:
        return [first, *warnings, plan_line(planned)]
    short = shown_in(first, hanging="  "), short_warnings(planned.notices)
    return [*short[0], *short[1], *shown_in(plan_line(planned), hanging="  ")]


def data_lines(planned: PanelPlan) -> list[str]:
    """Return what the data are, and everything doubtful about them."""
    data, symbols = planned.material.provenance, counted(len(planned.material.symbols), "symbol")
    locked = f"; the last {data.lockbox_rows} days stay locked" if data.lockbox_from else ""
    return [
        f"{planned.work.name}: {symbols}, {data.rows} days from {data.first_day} to {data.last_day}{locked}",
        *warning_lines(planned.notices),
    ]


def plan_line(planned: PanelPlan) -> str:
    """Return what will be done, in one line."""
    days = planned.test_days
    folds = ", ".join(f"{counted(len(folds), 'fold')} of {model}" for model, folds in planned.folds.items())
    taught = planned.work.config.panel.slope_days
    span = f"{len(days)} days forecast from {days[0]} to {days[-1]}, the first {taught} to learn their size"
    return f"{planned.work.name} {planned.model}: {folds}, {span}"


def run_lines(run: PanelRun) -> list[str]:
    """Return all that a terminal says of a panel's run: the answer first."""
    answer, *rest = verdict_lines(run.verdict)
    points, found = run.evaluation.checkpoints, run.evaluation.cross_section
    passed = sum(point.outcome is Outcome.PASS for point in points)
    return [
        f"  {answer}",
        *warning_lines(run.evaluation.notices),
        *([] if found is None else [f"  {line}" for line in cross_section_lines(found)]),
        f"  Checkpoints: {passed} of {len(points)} passed",
        "  Verdict:",
        *(f"    {line}" for line in rest),
        f"  {audit_line(run.audit, how_to_audit(run.trained, (), places_of(run.folder, run.log)))}",
        f"  Log: {run.log or 'none could be written'}",
        f"  Run: {run.folder}",
    ]


def run_facts(run: PanelRun) -> dict[str, Any]:
    """Return a panel's run as JSON-able facts."""
    return {
        "run": run.name,
        "panel": run.panel,
        "model": run.model,
        "status": run.status,
        "log": run.log,
        "folder": run.folder,
        **codec.plain(run.evaluation.results()),
        "verdict": codec.plain(run.verdict),
        "audit": codec.plain(run.audit),
        "warnings": codec.plain(run.notices),
    }
