"""What a panel costs: seconds and memory against symbols, beside refitting from scratch and mlforecast.

    python bench/panel_scale.py [--symbols 10 28 50 100 200 500] [--days 2520] [--rounds 3]
                                [--walk 50 7560] [--mlforecast-python PATH]

Symbols are planted panels without a signal (`planted_panel`), written as one Parquet file each. Every figure
is a process of its own, one thread of linear algebra each: it reads the files, computes the features and
walks pooled ridge forward, refitted every 63 days. Memory is the largest sum over the process tree.

Growth: 10 years of as many symbols as `--symbols` says; exponent by least squares on logarithms.

Walk: the strict walk-forward over `--walk` symbols and days, features included; then, on the rows that it
made, side by side and in turn:

- ours: what it does again behind the features (no coefficients of single symbols, so that all do the same);
- plain: scikit-learn's `Ridge` with the same penalty, fitted from scratch to the same rows at each refit;
- mlforecast: its `cross_validation` (refit, windows of 63 days) with the same `Ridge`, on the same frame, in
  an environment of its own. It purges nothing, so each fit sees two days more.

Clock and processor seconds, and the load before each round, stand side by side: where other work runs, read
processor seconds. Writes bench/results/panel_scale.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

Facts = dict[str, Any]
ALPHA, REFIT = 10_000.0, 63
THREADS = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS", "NUMBA_NUM_THREADS")
}


# The half that runs in mlforecast's interpreter: it imports nothing of ours.


def serve(folder: Path) -> Facts:
    """Cross-validate the rows of `folder` with mlforecast, refitted every 63 days."""
    import pandas as pd
    from mlforecast import MLForecast
    from sklearn.linear_model import Ridge

    rows = np.load(folder / "rows.npz")
    x = np.load(folder / "x.npy", mmap_mode="r")
    names = [f"x{column}" for column in range(x.shape[1])]
    frame = pd.DataFrame(np.asarray(x), columns=names, copy=False)
    frame.insert(0, "y", rows["target"].astype(np.float32))
    frame.insert(0, "ds", rows["day"])
    frame.insert(0, "unique_id", rows["member"])
    started = time.perf_counter(), time.process_time()
    model = MLForecast(models=[Ridge(alpha=ALPHA)], freq=1, lags=[1])
    windows = int(rows["windows"])
    told = model.cross_validation(
        frame, n_windows=windows, h=REFIT, step_size=REFIT, refit=True, static_features=[]
    )
    return {
        "seconds": time.perf_counter() - started[0],
        "cpu_seconds": time.process_time() - started[1],
        "forecasts": len(told),
    }


# The rest runs in ours.


def write_symbols(folder: Path, symbols: int, days: int) -> None:
    """Write made symbols as Parquet."""
    from geiger.market.synthetic_panel import planted_panel

    for symbol, prices in planted_panel(symbols, days, 1).prices.items():
        prices.drop("raw_close").rename({"day": "Date"}).write_parquet(folder / f"{symbol}.parquet")


def loaded(folder: Path, symbols: int, runs: Path) -> Any:
    """Return settings and material of the first symbols of a folder."""
    from geiger.panel.experiment import Panel
    from geiger.panel.material import load_panel
    from geiger.settings import override, panel_recipe

    config = override(panel_recipe("default"), {"lockbox": 0, "refit": REFIT})
    names = tuple(path.stem for path in sorted(folder.glob("*.parquet")))[:symbols]
    work = Panel("MADE", names, config=config, data=folder, context="none", runs_dir=runs)
    return config, load_panel(work)


def whole(folder: Path, symbols: int) -> Facts:
    """Read, compute and walk; seconds of each."""
    from geiger.panel.walk import walk

    marks = [(time.perf_counter(), time.process_time())]
    with tempfile.TemporaryDirectory() as runs:
        config, material = loaded(folder, symbols, Path(runs))
    marks.append((time.perf_counter(), time.process_time()))
    made = walk(material, "ridge", config)
    marks.append((time.perf_counter(), time.process_time()))
    (load, walked) = (
        {"seconds": round(b[0] - a[0], 2), "cpu_seconds": round(b[1] - a[1], 2)}
        for a, b in itertools.pairwise(marks)
    )
    return {"load": load, "walk": walked, "rows": len(material.day), "refits": len(made.folds)}


def side_by_side(folder: Path, symbols: int, out: Path) -> Facts:
    """Walk the same rows by our sums and by scikit-learn; leave them behind for mlforecast."""
    from sklearn.linear_model import Ridge

    from geiger.blas import one_blas_thread
    from geiger.panel.fits import folds_of
    from geiger.panel.folds import counting, rows_of
    from geiger.panel.pooled_ridge import fit_ridge
    from geiger.panel.targets import targets_of
    from geiger.settings import override

    with tempfile.TemporaryDirectory() as runs:
        config, material = loaded(folder, symbols, Path(runs))
    config = override(
        config, {"ridge": {"alphas": (ALPHA,)}, "panel": {"deviations": (), "target": "demeaned"}}
    )
    targets, folds, days = (
        targets_of(material, config.panel),
        folds_of(material, "ridge", config),
        counting(material),
    )
    found: Facts = {"rows": len(material.day), "refits": len(folds)}
    with one_blas_thread():
        started = time.perf_counter(), time.process_time()
        ours = np.concatenate(
            [fit.scores(material).selection[-1] for fit in fit_ridge(material, targets, folds, config)]
        )
        found["ours"] = spent(started)
        plain, started = [], (time.perf_counter(), time.process_time())
        for fold in folds:
            rows = rows_of(material, days, range(fold.train.start, fold.valid.stop))
            y = targets.selection[rows]
            known = np.isfinite(y)
            model = Ridge(alpha=ALPHA).fit(material.normalised[rows][known], y[known])
            plain.append(model.predict(material.normalised[rows_of(material, days, fold.test)]))
        found["plain"] = spent(started)
    found["plain"]["correlation_with_ours"] = float(np.corrcoef(ours, np.concatenate(plain))[0, 1])
    known = np.isfinite(targets.selection)
    np.savez(
        out / "rows.npz",
        day=material.day[known].astype(np.int64),
        member=material.member[known].astype(np.int64),
        target=targets.selection[known],
        windows=len(folds),
    )
    np.save(out / "x.npy", material.normalised[known])
    return found


def spent(started: tuple[float, float]) -> Facts:
    """Return what has passed since, by the clock and by this process' processors."""
    return {
        "seconds": round(time.perf_counter() - started[0], 2),
        "cpu_seconds": round(time.process_time() - started[1], 2),
    }


def child(python: str, *arguments: str) -> Facts:
    """Run one measurement in a process of its own; what it printed last, with its memory."""
    import harness

    environment = harness.environment_of(harness.ROOT, **THREADS)
    done = harness.run([python, __file__, *arguments], environment=environment, watched=True)
    return {**json.loads(done.output.strip().splitlines()[-1]), "rss_mb": done.rss_mb}


def exponent(points: list[tuple[float, float]]) -> float:
    """Return the slope of logarithms."""
    x, y = np.log(np.array(points)).T
    return round(float(np.polyfit(x, y, 1)[0]), 2)


def growth(folder: Path, asked: argparse.Namespace) -> Facts:
    """Return a row a number of symbols, medians of the rounds, and exponents."""
    import harness

    rows = []
    for symbols in asked.symbols:
        rounds = []
        for _ in range(asked.rounds):
            load = harness.load()
            rounds.append(
                {**child(sys.executable, "--whole", str(folder), str(symbols)), "machine_load": load}
            )
            harness.say(f"{symbols} symbols: {json.dumps(rounds[-1])}")
        totals = {
            name: harness.median([one["load"][name] + one["walk"][name] for one in rounds], 1)
            for name in ("seconds", "cpu_seconds")
        }
        rows.append(
            {
                "symbols": symbols,
                **totals,
                "load_cpu": harness.median([one["load"]["cpu_seconds"] for one in rounds], 1),
                "walk_cpu": harness.median([one["walk"]["cpu_seconds"] for one in rounds], 1),
                "rss_mb": harness.median([one["rss_mb"] for one in rounds], 0),
                "rows": rounds[0]["rows"],
                "refits": rounds[0]["refits"],
                "machine_load": [one["machine_load"] for one in rounds],
            }
        )
    found: Facts = {"days": asked.days, "by_symbols": rows}
    if len(rows) > 1:
        for name in ("cpu_seconds", "rss_mb"):
            found[f"exponent_{name}"] = exponent([(row["symbols"], row[name]) for row in rows])
    return found


def long_walk(folder: Path, asked: argparse.Namespace) -> Facts:
    """Return the long walk, and the same rows side by side."""
    import harness

    symbols, days = asked.walk
    found: Facts = {"symbols": symbols, "days": days, "rounds": []}
    with tempfile.TemporaryDirectory() as place:
        for _ in range(asked.rounds):
            load = harness.load()
            one = {"whole": child(sys.executable, "--whole", str(folder), str(symbols))}
            one["beside"] = child(sys.executable, "--beside", str(folder), str(symbols), place)
            if asked.mlforecast_python is not None:
                one["mlforecast"] = child(str(asked.mlforecast_python), "--serve", place)
            found["rounds"].append({**one, "machine_load": load})
            harness.say(json.dumps(found["rounds"][-1]))
    return found


def main() -> int:
    """Measure what is asked, and write it."""
    if sys.argv[1:2] == ["--whole"]:
        print(json.dumps(whole(Path(sys.argv[2]), int(sys.argv[3]))))
        return 0
    if sys.argv[1:2] == ["--beside"]:
        print(json.dumps(side_by_side(Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))))
        return 0
    if sys.argv[1:2] == ["--serve"]:
        print(json.dumps(serve(Path(sys.argv[2]))))
        return 0
    import harness

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--symbols", type=int, nargs="*", default=[10, 28, 50, 100, 200, 500])
    parser.add_argument("--days", type=int, default=2520)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--walk", type=int, nargs="*", default=[50, 7560], help="symbols and days; none: left out"
    )
    parser.add_argument("--mlforecast-python", type=Path)
    parser.add_argument("--out", type=Path, default=harness.RESULTS / "panel_scale.json")
    asked = parser.parse_args()
    facts: Facts = {
        "command": f"python bench/panel_scale.py {' '.join(sys.argv[1:])}".strip(),
        "machine": harness.machine(),
    }
    if asked.out.exists():  # the half that is not measured now stays
        facts = {**json.loads(asked.out.read_text()), **facts}
    for name, sizes, measure in (
        ("growth", (max(asked.symbols, default=0), asked.days), growth),
        ("walk", tuple(asked.walk), long_walk),
    ):
        if not all(sizes) or not sizes:
            continue
        with tempfile.TemporaryDirectory() as folder:
            write_symbols(Path(folder), *sizes)
            facts[name] = measure(Path(folder), asked)
        asked.out.write_text(json.dumps(facts, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
