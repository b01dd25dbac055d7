"""``geiger replay``: a run once more from its record, and whether every forecast has the same bits."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from geiger.cli.named import run_named
from geiger.cli.show import plan_facts, plan_line
from geiger.cli.terminal import print_json, progress
from geiger.codec import plain
from geiger.command_line import Folders
from geiger.experiment.plan import Plan
from geiger.experiment.replay import Replay, changes_since, replay
from geiger.experiment.train_fold import FoldOutput
from geiger.runlog.wording import audit_line, how_to_audit
from geiger.runs.folder import RunsFolder, StoredRun

DIFFERS = 3


def replay_run(args: argparse.Namespace) -> int:
    """Repeat one run, from its name or its folder."""
    stored, runs = run_named(args.run, args.runs_dir)
    audit = stored.record.audit
    if not args.json:
        print(
            audit_line(audit, how_to_audit(stored.trained, stored.record.own.kinds, Folders.of(runs.root))),
            flush=True,
        )
        for change in changes_since(stored):
            print(f"Differs from when {stored.name} was made: {change}", flush=True)

    if stored.record.members:
        from geiger.cli.panel_again import repeat_panel  # with all that a panel needs

        done = repeat_panel(args, stored, runs)
    else:
        done = _repeat(args, stored, runs)
    if args.json:
        print_json({**asdict(done), "same": done.same, "audit": plain(audit)})
    else:
        print("\n".join(f"  {comparison.text()}" for comparison in done.comparisons))
        verdict = "bit-identical" if done.same else "NOT identical"
        reason = "" if done.same or not done.changes else " (see above for what differs in the environment)"
        print(f"{stored.name}: {verdict}{reason}")
    return 0 if done.same else DIFFERS


def _repeat(args: argparse.Namespace, stored: StoredRun, runs: RunsFolder) -> Replay:
    """Repeat the run of a symbol, with a progress bar."""

    def on_plan(planned: Plan) -> None:
        if not args.json:
            print(f"  again: {plan_line(plan_facts(planned))}", flush=True)

    with progress(f"replay of {stored.name}", len(stored.record.folds), quiet=args.json) as tick:

        def on_fold(output: FoldOutput) -> None:
            tick(f"fold {output.result.fold} to {output.result.test_last}")

        return replay(
            stored,
            runs,
            features=args.features,
            target=args.target,
            estimator=args.estimator,
            on_plan=on_plan,
            on_fold=on_fold,
        )
