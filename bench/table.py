"""One table of everything that has a goal: ``make bench``, or a part of it.

    python bench/table.py [--only ROW ...] [--rounds N] [--base COMMIT] [--data DIR] [--small]

Each row is a whole command (or a figure that it prints), beside its goal, an anchor measured in the same
rounds (the same command at an older commit, a plain loop, another library) and what the run before found.
Candidates take turns, medians count. `--base COMMIT` makes a worktree of that commit in a temporary folder,
and rows that are ratios to it are judged; without it they have no anchor. ROW is a row's name or a group:
trainings, alike, predict, memory, logs, start, features, backtest.

Trainings are those of AAPL: 40 refits of the trees and of ridge, 10 of the networks, three seeds, ours with
neither audit nor check source; scored rows are the same in both trees, but since 3d2d211 a run also goes on
over the lock-box (five more refits of
trees, two of networks) and leaves a model for use, which is part of its time here. Rows of the group
`alike` lock nothing, so that both trees train the same scored folds, and ours the model for use. "Cold" has
an empty cache of compiled networks, "warm" one filled by the same command before. `--small` does with few
folds: it shows that all works, its figures mean nothing, and nothing is stored.

Writes bench/results/table.json and table.md; rows that were not measured keep their last values.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import harness
from harness import ROOT, START, Measured, Unavailable, environment_of, median, run, say

OUT = harness.RESULTS / "table.json"
HERE = Path(__file__).parent
NOT_PROVED = " --no-audit --no-check-source"  # the base has neither; the verdict itself is made and counts
FINISHED = (0, 3)  # a model that collapsed has been trained


@dataclass
class Bench:
    """The place, and what the options ask for."""

    place: Path
    data: Path
    small: bool
    trees: dict[str, Path]  # ours, and the base where there is one
    vectorbt: str | None = None
    made: dict[str, Any] = field(default_factory=dict)  # what the set-up of candidates left

    def geiger(self, words: str, tree: str = "ours", cache: str = "", **options: Any) -> Measured:
        """Run a command of one tree in its own folder; `cache` names the folder of compiled networks."""
        folder = self.place / tree
        folder.mkdir(exist_ok=True)
        if words.startswith("train ") and tree == "ours" and "--help" not in words:
            words += NOT_PROVED
        kept = str(self.place / "compiled" / cache) if cache else "off"
        environment = environment_of(self.trees[tree], GEIGER_COMPILE_CACHE=kept)
        command = [sys.executable, "-c", START, *words.split()]
        return run(command, environment=environment, folder=folder, fine=FINISHED, **options)

    def train(
        self, model: str, tree: str = "ours", cache: str = "", given: str = "", **options: Any
    ) -> Measured:
        """Train a model on AAPL from nothing, with options `given`."""
        few = f" {given}" + (" --max-folds 2" if self.small else "")
        return self.geiger(
            f"train {model} AAPL --data {self.data} --runs-dir runs_{model} --log-dir logs{few}",
            tree,
            cache,
            **options,
        )

    def forget(self, cache: str) -> None:
        """Remove a folder of compiled networks."""
        shutil.rmtree(self.place / "compiled" / cache, ignore_errors=True)
        (self.place / "compiled").mkdir(mode=0o700, exist_ok=True)


Candidate = Callable[[Bench], dict[str, float]]  # one turn -> its figures


def seconds(done: Measured) -> dict[str, float]:
    """Return the figures of a command: by the clock, and of the processors."""
    return {"value": done.seconds, "cpu": done.cpu_seconds}


def training(
    model: str, tree: str = "ours", cache: str = "", *, cold: bool = False, given: str = ""
) -> Candidate:
    """Time a whole training: seconds."""

    def turn(bench: Bench) -> dict[str, float]:
        if cold:
            bench.forget(cache)
        elif cache and (cache, "filled") not in bench.made:
            bench.train(model, tree, cache, given)
            bench.made[cache, "filled"] = True
        return seconds(bench.train(model, tree, cache, given))

    return turn


def under_load(bench: Bench) -> dict[str, float]:
    """Time ridge beside another process with two busy threads: seconds."""
    with harness.busy():
        return seconds(bench.train("ridge"))


def plain_loop(bench: Bench) -> dict[str, float]:
    """Time the loop that a user would write: seconds."""
    folds = ["--folds", "4"] if bench.small else []
    command = [sys.executable, str(HERE / "plain_loop.py"), str(bench.data / "AAPL.csv"), *folds]
    return seconds(run(command, environment=environment_of(bench.trees["ours"])))


def memory(model: str, cache: str, *, cold: bool = False) -> Candidate:
    """Watch the process tree of a training: its largest sum of resident memory, MB."""

    def turn(bench: Bench) -> dict[str, float]:
        if cold:
            bench.forget(cache)
        elif cache and (cache, "filled") not in bench.made:
            bench.train(model, cache=cache)
            bench.made[cache, "filled"] = True
        done = bench.train(model, cache=cache, watched=True)
        if done.rss_mb is None or done.pss_mb is None:
            raise Unavailable("memory of a process tree is read from /proc, which this system has not")
        return {"value": done.rss_mb, "pss": done.pss_mb}

    return turn


def predicting(tree: str) -> Candidate:
    """Time `geiger predict` of a stack, trained first (untimed), programs kept: seconds."""

    def turn(bench: Bench) -> dict[str, float]:
        cache = f"predict-{tree}"
        words = f"predict AAPL --data {bench.data} --runs-dir runs_stack"
        if ("stack", tree) not in bench.made:
            (bench.place / "compiled").mkdir(mode=0o700, exist_ok=True)
            few = (
                "--max-folds 3 --recipe quick" if bench.small else "--max-folds 3"
            )  # the least it learns from
            bench.geiger(
                f"train stack AAPL --data {bench.data} --runs-dir runs_stack --log-dir logs {few}",
                tree,
                cache,
            )
            bench.geiger(words, tree, cache)
            bench.made["stack", tree] = True
        return seconds(bench.geiger(words, tree, cache))

    return turn


def loaded_forecast(bench: Bench) -> dict[str, float]:
    """Time a forecast of the next session by a stack once it is loaded: milliseconds."""
    predicting("ours")(bench)
    stack = next(p for p in sorted((bench.place / "ours" / "runs_stack").iterdir()) if "_stack_" in p.name)
    command = [sys.executable, str(HERE / "predict.py"), str(stack), "--data", str(bench.data), "--print"]
    done = run(
        command,
        environment=environment_of(
            bench.trees["ours"], GEIGER_COMPILE_CACHE=str(bench.place / "compiled" / "predict-ours")
        ),
    )
    return {"value": json.loads(done.output)["forecast_ms"]}


def logs(name: str) -> Candidate:
    """Read logs by the script beside this one; its rows share one run: seconds."""

    def turn(bench: Bench) -> dict[str, float]:
        number = len(bench.made.setdefault(("logs", name), []))
        known = bench.made.setdefault("logs", [])
        if number == len(known):
            few = ["--logs", "300"] if bench.small else []
            if not list((bench.place / "ours").glob("logs/*.log")):
                bench.geiger(f"train ridge AAPL --data {bench.data} --max-folds 6 --log-dir logs")
                bench.geiger(f"train lgb AAPL --data {bench.data} --max-folds 6 --log-dir logs")
            command = [sys.executable, str(HERE / "logs.py"), "logs", "--repeats", "1", "--print", *few]
            done = run(command, environment=environment_of(bench.trees["ours"]), folder=bench.place / "ours")
            known.append(json.loads(done.output)["median_seconds"])
        bench.made["logs", name].append(number)
        return {"value": known[number][name]}

    return turn


def command(words: str, tree: str = "ours") -> Candidate:
    """Time a command; of one that reads a run or logs, these are made first (untimed): seconds."""

    def turn(bench: Bench) -> dict[str, float]:
        if ("started", tree) not in bench.made and "--help" not in words:
            few = "--max-folds 2 --runs-dir started --log-dir started_logs"
            bench.geiger(f"train ridge AAPL --data {bench.data} {few}", tree)
            bench.made["started", tree] = True
        runs = sorted((bench.place / tree / "started").glob("AAPL_ridge_*"))
        name = runs[0].name if runs else ""
        return seconds(bench.geiger(words.format(run=name), tree))

    return turn


def empty_python(bench: Bench) -> dict[str, float]:
    """Time Python alone: seconds."""
    return seconds(run([sys.executable, "-c", "pass"]))


def script(name: str, ours: str, theirs: str, *options: str) -> Candidate:
    """Run another script of this folder that measures two sides itself; both are figures of its JSON."""

    def turn(bench: Bench) -> dict[str, float]:
        given = ["--symbols", "20", "--repeats", "1"] if bench.small and name == "features" else list(options)
        if name == "backtest":
            given += ["--repetitions", "5"]
            given += ["--vectorbt-python", bench.vectorbt] if bench.vectorbt else []
        command = [sys.executable, str(HERE / f"{name}.py"), *given, "--print"]
        found = json.loads(run(command, environment=environment_of(bench.trees["ours"])).output)
        value, anchor = _at(found, ours), _at(found, theirs)
        return {"value": value, **({} if anchor is None else {"anchor": anchor})}

    return turn


def _at(found: Any, path: str) -> Any:
    for key in path.split("/"):
        found = found[int(key)] if isinstance(found, list) else found.get(key)
        if found is None:
            return None
    return found


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    ours, anchor : str
        Names of candidates; "itself" where the candidate measures its own anchor.
    most_ratio, most : float, optional
        The goal: largest ratio to the anchor, largest value.
    """

    group: str
    name: str
    unit: str
    ours: str
    anchor: str | None = None
    most_ratio: float | None = None
    most: float | None = None

    @property
    def goal(self) -> str:
        """The goal in words."""
        parts = [] if self.most is None else [f"at most {self.most:g} {self.unit}"]
        if self.most_ratio is not None:
            parts.append(f"at most {self.most_ratio:.2f} of the anchor")
        return ", ".join(parts)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The candidates that it needs."""
        return tuple(name for name in (self.ours, self.anchor) if name not in (None, "itself"))


BASE = "base: "
ALIKE, NOTHING_LOCKED = " with nothing locked", "--lockbox 0"  # then both trees train the same scored folds
NETWORKS = {"lstm": (0.85, 0.58), "xlstm": (0.85, 0.55)}
STARTS = {
    "--help": "--help",
    "train --help": "train --help",
    "backtest": "backtest --run {run} --runs-dir started --log-dir backtest_logs",
    "report": "report {run} --runs-dir started --out page.html",
    "logs list": "logs list --log-dir started_logs",
}

CANDIDATES: dict[str, Candidate] = {
    **{name: training(name) for name in ("ridge", "lgb", "xgb", "catboost")},
    **{BASE + name: training(name, "base") for name in ("ridge", "lgb", "xgb", "catboost", *NETWORKS)},
    **{
        tree_word + name + ALIKE: training(
            name, tree, f"{name}-alike" if tree == "ours" and name in NETWORKS else "", given=NOTHING_LOCKED
        )
        for name in ("xgb", "catboost", *NETWORKS)
        for tree_word, tree in (("", "ours"), (BASE, "base"))
    },
    "ridge under load": under_load,
    "plain loop": plain_loop,
    **{f"{name} cold": training(name, cache=f"{name}-cold", cold=True) for name in NETWORKS},
    **{f"{name} warm": training(name, cache=f"{name}-warm") for name in NETWORKS},
    "predict": predicting("ours"),
    BASE + "predict": predicting("base"),
    "loaded": loaded_forecast,
    "memory lstm cold": memory("lstm", "lstm-cold", cold=True),
    "memory lstm warm": memory("lstm", "lstm-warm"),
    **{f"memory {name}": memory(name, "") for name in ("ridge", "lgb", "xgb", "catboost")},
    **{
        f"logs {name}": logs(name)
        for name in (
            "geiger logs list, no index",
            "geiger logs list, with index",
            "geiger logs analyze, 20 new in full",
        )
    },
    "empty Python": empty_python,
    **{f"geiger {name}": command(words) for name, words in STARTS.items()},
    **{f"{BASE}geiger {name}": command(words, "base") for name, words in STARTS.items()},
    "features": script("features", "geiger_median", "pandas_median_scaled", "--repeats", "1"),
    **{
        f"backtest {kind}": script(
            "backtest", f"cases/{i}/milliseconds/geiger", f"cases/{i}/milliseconds/vectorbt numba"
        )
        for i, kind in enumerate(("sign", "proportional"))
    },
}

ROWS = (
    Row("trainings", "ridge, quiet", "s", "ridge", BASE + "ridge"),
    Row("trainings", "ridge beside two busy threads (anchor: quiet)", "s", "ridge under load", "ridge", 1.5),
    *(
        row
        for name, share in (("lgb", 0.40), ("xgb", 0.40), ("catboost", 0.50))
        for row in (
            Row("trainings", name, "s", name, BASE + name, share),
            *(
                [Row("trainings", f"{name} (anchor: plain loop)", "s", name, "plain loop", 1.0)]
                if name != "catboost"
                else []
            ),
        )
    ),
    *(
        Row("trainings", f"{name}, {kind}", "s", f"{name} {kind}", BASE + name, share)
        for name, shares in NETWORKS.items()
        for kind, share in zip(("cold", "warm"), shares, strict=True)
    ),
    *(
        Row(
            "alike",
            f"{name}{ALIKE}{', warm' if name in NETWORKS else ''}",
            "s",
            name + ALIKE,
            BASE + name + ALIKE,
            share,
        )
        for name, share in (("xgb", 0.40), ("catboost", 0.50), ("lstm", 0.58), ("xlstm", 0.55))
    ),
    Row("predict", "geiger predict of a stack", "s", "predict", BASE + "predict", 0.50, 4.0),
    Row("predict", "forecast of the next session, stack loaded", "ms", "loaded", None, None, 60.0),
    Row("memory", "process tree of train lstm, cold", "MB", "memory lstm cold", None, None, 1500.0),
    Row("memory", "process tree of train lstm, warm", "MB", "memory lstm warm", None, None, 1500.0),
    *(
        Row("memory", f"process tree of train {name}", "MB", f"memory {name}", None, None, 1000.0)
        for name in ("ridge", "lgb", "xgb", "catboost")
    ),
    Row("logs", "10,000 logs, first time", "s", "logs geiger logs list, no index", None, None, 10.0),
    Row("logs", "10,000 logs, again", "s", "logs geiger logs list, with index", None, None, 1.0),
    Row("logs", "10,000 logs, 20 newest analyzed", "s", "logs geiger logs analyze, 20 new in full"),
    Row("start", "geiger --help (anchor: empty Python)", "s", "geiger --help", "empty Python", None, 0.3),
    *(Row("start", f"geiger {name}", "s", f"geiger {name}", f"{BASE}geiger {name}") for name in STARTS),
    Row("features", "154 features x 500 symbols x 2520 bars", "s", "features", "itself", 1 / 3, 5.0),
    *(
        Row("backtest", f"1,000,000 bar-variants, {kind}", "ms", f"backtest {kind}", "itself", 1.0)
        for kind in ("sign", "proportional")
    ),
)


def chosen(words: list[str]) -> list[Row]:
    """Return the rows that these words name, all of them without a word."""
    found = [
        row for row in ROWS if not words or row.group in words or any(word in row.name for word in words)
    ]
    if not found:
        groups = ", ".join(dict.fromkeys(row.group for row in ROWS))
        raise SystemExit(f"no row is called {' or '.join(words)}; groups: {groups}")
    return found


def measure(
    bench: Bench, rows: list[Row], rounds: int
) -> tuple[dict[str, list[Any]], dict[str, str], list[float]]:
    """Let all candidates of the rows take turns; return their figures, why some have none, and the loads."""
    names = list(dict.fromkeys(name for row in rows for name in row.wanted))
    figures: dict[str, list[Any]] = {name: [] for name in names}
    missing: dict[str, str] = {}
    loads = []
    for number in range(rounds):
        loads.append(harness.load())
        for name in names if number % 2 == 0 else names[::-1]:
            if name in missing:
                continue
            if name.startswith(BASE) and "base" not in bench.trees:
                missing[name] = "no --base"
                continue
            try:
                figures[name].append(CANDIDATES[name](bench))
            except Unavailable as error:
                missing[name] = str(error)
            except RuntimeError as error:
                missing[name] = "failed"
                say(f"{name} failed: {error}")  # not stored: it names folders of this machine
            else:
                shown = ", ".join(f"{key} {value:.2f}" for key, value in figures[name][-1].items())
                say(f"round {number + 1} of {rounds}: {name}: {shown}")
    return figures, missing, loads


def result(row: Row, figures: dict[str, list[Any]], missing: dict[str, str]) -> dict[str, Any] | None:
    """Return what one row found; None where ours could not be measured."""
    ours = figures[row.ours]
    if not ours:
        return None
    found: dict[str, Any] = {"unit": row.unit, "goal": row.goal, "group": row.group}
    for key in ours[0]:
        if key != "anchor":
            found[key] = median([one[key] for one in ours])
    found["turns"] = [round(one["value"], 3) for one in ours]
    anchors = ours if row.anchor == "itself" else figures.get(row.anchor or "", [])
    key = "anchor" if row.anchor == "itself" else "value"
    values = [one[key] for one in anchors if key in one]
    if values:
        found["anchor"] = median(values)
        if "cpu" in found and row.anchor != "itself":
            found["anchor_cpu"] = median([one["cpu"] for one in anchors])
        paired = [one["value"] / value for one, value in zip(ours, values, strict=False)]
        found["ratio"] = median(paired)
    elif row.anchor:
        found["no_anchor"] = missing.get(row.anchor, "not measured")
    found["met"] = met(row, found)
    return found


def met(row: Row, found: dict[str, Any]) -> bool | None:
    """Whether the goal is met; None where there is none, or its anchor is missing."""
    answers = []
    if row.most is not None:
        answers.append(found["value"] <= row.most)
    if row.most_ratio is not None:
        answers.append(found["ratio"] <= row.most_ratio if "ratio" in found else None)
    if False in answers:
        return False
    return None if not answers or None in answers else True


def table(record: dict[str, Any]) -> str:
    """Return the rows as a Markdown page."""
    facts, (first, *loads) = record["machine"], [f"{load:.1f}" for load in record["loads"]]
    noise = (
        ""
        if record["quiet"]
        else " (**not a quiet machine**: times are too long, processor seconds tell more)"
    )
    lines = [
        "# Speed and memory\n",
        f"Written by `make bench`. {facts['cores']} cores of {facts['processor']}, {facts['system']}, Python "
        f"{facts['python']}, {facts['day']}, commit {facts['commit']}; base: {record['base'] or 'none'}.",
        "Medians of so many turns of row and anchor; a ratio is the median of the turns' own. Processor",
        "seconds in brackets. Each row is from the last run that measured it. Load before the last run was",
        f"{first} processors{noise}; before its rounds, its own in it: {', '.join(loads)}.\n",
        "| what | goal | measured | anchor | ratio | goal met | run before | turns |",
        "|---|---|---:|---:|---:|---|---:|---:|",
    ]
    for name, row in record["rows"].items():
        unit = row["unit"]

        def shown(key: str, cpu: str, row: dict[str, Any] = row, unit: str = unit) -> str:
            if row.get(key) is None:
                return ""
            extra = f" ({row[cpu]:.1f})" if cpu in row else ""
            extra += f" (PSS {row['pss']:.0f})" if key == "value" and "pss" in row else ""
            return f"{row[key]:.{0 if unit == 'MB' else 2}f} {unit}{extra}"

        answer = {True: "yes", False: "no", None: ""}[row["met"]]
        anchor = shown("anchor", "anchor_cpu") or row.get("no_anchor", "")
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        before = f"{row['before']:.2f}" if row.get("before") is not None else ""
        cells = [
            name,
            row["goal"],
            shown("value", "cpu"),
            anchor,
            ratio,
            answer,
            before,
            str(len(row["turns"])),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print the table, and keep it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--base", metavar="COMMIT")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "prices")
    parser.add_argument("--vectorbt-python")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the other tree goes, whoever stops this
    rows, before = chosen(options.only), harness.load()  # nothing of ours is in it yet
    if not (options.data / "AAPL.csv").exists():
        raise SystemExit(f"{options.data} holds no AAPL.csv; name a folder of price files: --data DIR")
    known: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {"rows": {}}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        harness.compile_bytecode(ROOT)
        trees = {"ours": ROOT}
        if options.base:
            try:
                trees["base"] = stack.enter_context(harness.tree_of(options.base))
            except Unavailable as error:
                say(str(error))
        bench = Bench(place, options.data.resolve(), options.small, trees, options.vectorbt_python)
        for tree in trees:  # compiles the features, once in a tree's life
            bench.geiger(
                f"train ridge AAPL --data {bench.data} --max-folds 1 --log-dir first --runs-dir first", tree
            )
        figures, missing, loads = measure(bench, rows, options.rounds)
    found = {row.name: made for row in rows if (made := result(row, figures, missing)) is not None}
    for name, made in found.items():
        made["met"] = None if options.small else made["met"]
        made["before"] = known["rows"].get(name, {}).get("value")
    record = {
        "command": re.sub(r"--data \S+", "--data DIR", f"python bench/table.py {' '.join(sys.argv[1:])}"),
        "base": options.base if "base" in trees else None,
        "machine": harness.machine(),
        "rounds": options.rounds,
        "loads": [before, *loads],
        "quiet": before <= harness.QUIET * harness.machine()["cores"],
        "missing": missing,
        "rows": {row.name: one for row in ROWS if (one := found.get(row.name, known["rows"].get(row.name)))},
    }
    print(table(record))
    if not options.small:
        OUT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        OUT.with_suffix(".md").write_text(table(record), encoding="utf-8")


if __name__ == "__main__":
    main()
