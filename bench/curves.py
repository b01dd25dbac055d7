"""What more of something costs: seconds and memory against rows, folds, seeds, symbols and logs.

    python bench/curves.py [--only CURVE ...] [--rounds N] [--data DIR] [--small]

Each point is a whole command in a process of its own: processor seconds, seconds of the clock, the largest
sum of its process tree's proportional memory, and the floor: what of it was spent inside the library that
does the work (all calls of `lightgbm.train` and the like, on data that are ready; epochs that XLA has
compiled), by the processors. For networks the floor is taken in a second run with one process. Points take
turns, medians count.

The exponent is the slope of log(processor seconds) against log(size) by least squares, with its standard
error; a fixed cost makes it smaller than the cost of one more, so the seconds of one more (the slope of the
straight line) and the fixed seconds (its start) stand beside it.

Writes bench/results/curves.json and docs/evidence/speed.svg; `make docs` writes the tables of
docs/evidence/speed.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
import numpy as np
from harness import ROOT, START, environment_of, median, run, say

OUT = harness.RESULTS / "curves.json"
PICTURE = ROOT / "docs" / "evidence" / "speed.svg"
HERE = Path(__file__).parent
COLOURS = {"cpu": "#1f4e79", "floor": "#b45f06"}

# Runs a command and says what of its processor time was spent in the libraries that it trains with.
CHILD = """
import sys, threading, time
from functools import cached_property
from geiger.cli import main
from geiger.hiding import run_as_command
from geiger.models.library import load
model, sys.argv[1:] = sys.argv[1], sys.argv[2:]
run_as_command()  # before its library is loaded, as the command itself would
spent, lock, inside = [0.0], threading.Lock(), threading.local()

def counted(function, clock=time.thread_time):
    def call(*arguments, **options):
        if getattr(inside, "call", False):
            return function(*arguments, **options)
        inside.call, started = True, clock()
        try:
            return function(*arguments, **options)
        finally:
            inside.call = False
            with lock:
                spent[0] += clock() - started
    return call

if model == "lgb":
    lightgbm = load("lightgbm")
    lightgbm.train = counted(lightgbm.train)
elif model in ("lstm", "xlstm"):
    from geiger.models.nets import program
    import jax
    made, known = program.Program.run_epoch, set()

    def run_epoch(self):
        compiled = made.func(self)

        def call(*arguments):
            shapes = (id(self), str([getattr(a, "shape", a) for a in jax.tree.leaves(arguments[2])]))
            work = lambda: jax.block_until_ready(compiled(*arguments))
            if shapes in known:
                return counted(work, time.process_time)()
            known.add(shapes)  # the first one compiles
            return work()

        return call

    program.Program.run_epoch = timed = cached_property(run_epoch)  # else compiled at each use
    timed.__set_name__(program.Program, "run_epoch")
code = main()
print("FLOOR", spent[0])
sys.exit(code)
"""


@dataclass(frozen=True)
class Curve:
    """One command at growing sizes.

    Attributes
    ----------
    command : str
        With `{n}` for the size, `{start}` for the day from which on so many rows are left, `{symbols}` for so
        many symbols.
    floor : str, optional
        The model whose library is timed.
    """

    name: str
    what: str
    sizes: tuple[int, ...]
    command: str
    floor: str | None = None


COMMON = "--data {data} --runs-dir runs --log-dir logs"


def _trained(model: str, options: str, symbols: str = "AAPL") -> str:
    return f"train {model} {symbols} {options} --no-audit --no-check-source {COMMON}"


LONG = "--start {start}"  # as many rows of the symbol with the longest series
CURVES = (
    Curve("rows, ridge", "rows", (1500, 3000, 6000), _trained("ridge", f"{LONG} --max-folds 4", "BA")),
    Curve("rows, lgb", "rows", (1500, 3000, 6000), _trained("lgb", f"{LONG} --max-folds 4", "BA"), "lgb"),
    Curve("rows, lstm", "rows", (1500, 3000, 6000), _trained("lstm", f"{LONG} --max-folds 2", "BA"), "lstm"),
    Curve("folds, lgb", "folds", (5, 10, 20, 40), _trained("lgb", "--max-folds {n}"), "lgb"),
    Curve("folds, lstm", "folds", (2, 4, 8), _trained("lstm", "--max-folds {n}"), "lstm"),
    Curve("seeds, lgb", "seeds", (1, 2, 4, 8), _trained("lgb", "--max-folds 10 --seeds {n}"), "lgb"),
    Curve("seeds, lstm", "seeds", (1, 2, 4), _trained("lstm", "--max-folds 2 --seeds {n}"), "lstm"),
    Curve("symbols, ridge", "symbols", (1, 2, 4, 8), _trained("ridge", "--max-folds 4", "{symbols}")),
    Curve("logs, read first", "logs", (300, 1000, 3000, 10000), ""),
)


def start_day(data: Path, symbol: str, rows: int) -> str:
    """Return the day from which on so many rows are left."""
    from geiger import load_prices

    days = load_prices(symbol, data=data)["day"]
    return str(days[-min(rows, len(days))])


def point(curve: Curve, size: int, data: Path, place: Path) -> dict[str, float]:
    """Measure one size of one curve."""
    if not curve.command:
        return _logs(size, data, place)
    names = sorted(path.stem for path in data.glob("*.csv") if path.stem.isalpha())
    words = curve.command.format(
        n=size,
        data=data,
        symbols=" ".join(names[:size]),
        start=start_day(data, "BA", size) if "{start}" in curve.command else "",
    ).split()
    environment = environment_of(ROOT, GEIGER_COMPILE_CACHE=str(place / "compiled"))
    apart = curve.floor in ("lstm", "xlstm")
    timed = [sys.executable, "-c", CHILD, str(curve.floor), *words]
    command = [sys.executable, "-c", START, *words] if apart or curve.floor is None else timed
    done = run(command, environment=environment, folder=place, watched=True, fine=(0, 3))
    found = {"cpu": done.cpu_seconds, "seconds": done.seconds}
    if done.pss_mb is not None and done.rss_mb is not None:
        found |= {"pss": done.pss_mb, "rss": done.rss_mb}
    if curve.floor is not None:
        if apart:
            done = run([*timed, "--workers", "1"], environment=environment, folder=place, fine=(0, 3))
        found["floor"] = float(done.output.rpartition("FLOOR")[2])
    return found


def _logs(size: int, data: Path, place: Path) -> dict[str, float]:
    """Read so many logs for the first time; the floor is reading and parsing their lines as JSON."""
    if not list((place / "logs").glob("*.log")):
        words = f"train lgb AAPL --max-folds 6 {COMMON}".format(data=data).split()
        run(
            [sys.executable, "-c", START, *words], environment=environment_of(ROOT), folder=place, fine=(0, 3)
        )
    command = [sys.executable, str(HERE / "logs.py"), str(place / "logs"), "--logs", str(size)]
    done = run([*command, "--repeats", "1", "--print"], environment=environment_of(ROOT), watched=True)
    found = json.loads(done.output)
    wall, used = found["median_seconds"], found["median_processor_seconds"]
    job, floor = "geiger logs list, no index", "bytes and JSON only, one process"
    memory = {"pss": done.pss_mb or 0.0, "rss": done.rss_mb or 0.0}
    return {"cpu": used[job], "seconds": wall[job], "floor": used[floor], **memory}


def fitted(sizes: list[int], values: list[float]) -> dict[str, float]:
    """Return the exponent with its standard error, and the straight line's start and slope."""
    x, y = np.log(np.array(sizes, float)), np.log(np.array(values))
    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    left = y - y.mean() - slope * centred
    spare = max(len(sizes) - 2, 1)
    error = float(np.sqrt(left @ left / spare / (centred @ centred)))
    line, start = np.polyfit(sizes, values, 1)
    power = {"exponent": round(slope, 2), "error": round(error, 2)}
    return {**power, "one_more": float(line), "fixed": float(start)}


def summary(curve: Curve, points: dict[int, list[dict[str, float]]]) -> dict[str, Any]:
    """Return the medians of each size, and what is fitted to them."""
    keys = list(next(iter(points.values()))[0])
    table = [
        {"size": size, **{key: median([one[key] for one in found]) for key in keys}}
        for size, found in points.items()
    ]
    command = f"geiger {curve.command.replace(COMMON, '--data DIR')}" if curve.command else "bench/logs.py"
    fits = {
        f"fit_{key}": fitted(list(points), [row[key] for row in table])
        for key in keys
        if all(row[key] > 0 for row in table)
    }
    return {"what": curve.what, "command": command, "points": table, **fits}


def draw(curves: dict[str, Any], path: Path) -> None:
    """Draw processor seconds and their floor against size, both on logarithmic axes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "speed", "font.size": 8})
    columns = 3
    figure = Figure(figsize=(9, 2.6 * -(-len(curves) // columns)), layout="constrained")
    axes = figure.subplots(-(-len(curves) // columns), columns, squeeze=False).ravel()
    for axis, (name, curve) in zip(axes, curves.items(), strict=False):
        sizes = [row["size"] for row in curve["points"]]
        axis.loglog(sizes, [row["cpu"] for row in curve["points"]], "o-", color="#1f4e79", label="all")
        if "floor" in curve["points"][0]:
            axis.loglog(
                sizes, [row["floor"] for row in curve["points"]], "o--", color="#b45f06", label="the library"
            )
        axis.set_title(
            f"{name}: exponent {curve['fit_cpu']['exponent']:.2f} ± {curve['fit_cpu']['error']:.2f}"
        )
        axis.set_xticks(sizes, [str(size) for size in sizes], minor=False)
        axis.minorticks_off()
        axis.set_xlabel(curve["what"])
        axis.set_ylabel("processor seconds")
        axis.grid(alpha=0.3)
    for axis in axes[len(curves) :]:
        axis.set_visible(False)
    axes[1].legend(frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": "geiger"})


def main() -> None:
    """Measure, fit, draw and store."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="CURVE", help="a curve, or a part of its name"
    )
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "prices")
    parser.add_argument("--small", action="store_true", help="two sizes of each, and nothing is stored")
    options = parser.parse_args()
    chosen = [c for c in CURVES if not options.only or any(word in c.name for word in options.only)]
    known: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {"curves": {}}
    found: dict[str, dict[int, list[dict[str, float]]]] = {curve.name: {} for curve in chosen}
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        place, data = Path(folder), options.data.resolve()
        (place / "compiled").mkdir(mode=0o700)
        harness.compile_bytecode(ROOT)
        warm = f"train ridge AAPL --max-folds 1 {COMMON.replace('logs', 'first')}".format(data=data).split()
        run([sys.executable, "-c", START, *warm], environment=environment_of(ROOT), folder=place, fine=(0, 3))
        for number in range(options.rounds):
            loads.append(harness.load())
            for curve in chosen:
                for size in curve.sizes[:2] if options.small else curve.sizes:
                    made = point(curve, size, data, place)
                    found[curve.name].setdefault(size, []).append(made)
                    say(f"round {number + 1} of {options.rounds}: {curve.name} {size}: {made}")
    curves = {
        curve.name: summary(curve, found[curve.name]) if curve in chosen else known["curves"][curve.name]
        for curve in CURVES
        if curve in chosen or curve.name in known["curves"]
    }
    record = {
        "command": "python bench/curves.py",
        "machine": harness.machine(),
        "rounds": options.rounds,
        "loads": loads,
        "quiet": max(loads) <= harness.QUIET * harness.machine()["cores"],
        "not_measured": [curve.name for curve in CURVES if curve.name not in curves],
        "curves": curves,
    }
    print(json.dumps(curves, indent=1))
    if not options.small:
        OUT.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        draw(curves, PICTURE)


if __name__ == "__main__":
    main()
