"""What training a network costs: our dense epochs beside Keras ``fit``, and a whole strict walk-forward.

    python bench/networks.py [--only epochs|walk] [--all] [--repeats 3] [--data DIR] [--symbol SYMBOL]

Epochs: the default LSTM-Transformer learns from 3000 rows of 154 features with a little planted signal, in
batches of 512 targets, and is evaluated on 504 more rows after each epoch. Ours is fed dense, at two burn-ins
and two lengths of a stretch, and with windows. Keras gets the same network as a functional model, the same
steps, Adam, clipping and dropout, and windows (3000, 60, 154) laid out in memory. Every candidate runs in
processes of its own, in turn, as often as `--repeats` says; medians count. One Keras `fit` has all cores,
ours one thread a process; two processes of one thread at once are what the walk-forward uses on two cores, so
these are timed together, for Keras too.

A fit is 20 epochs, from building and compiling to the last evaluation. Fed by windows, which takes long, five
are timed and the fit is scaled from them: `epochs_timed`. Our windows and two Keras processes at once are
measured with `--all` only.

Walk: ``geiger train lstm SYMBOL`` from a cold start (its own process, nothing stored, nothing compiled): all
folds, three seeds, the last twelve years before the lock-box of the embedded AAPL or of a file of DIR; one of
them warms the features up, two are the first to be learned from. Wall time, and memory of the whole process
tree.

Writes bench/results/networks.json; `--only` keeps the other half that is there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from geiger.learning.folds import Fold
from geiger.learning.windows import FoldArrays, fold_arrays

Facts = dict[str, Any]
Ends = list[tuple[float, float]]  # of each epoch: seconds of the clock, and of all processors

PAST, TRAIN, VALID, FEATURES = 128, 3000, 504, 154
LOOKBACK, BATCH = 60, 512
R2 = 0.10  # of the planted linear signal: large enough to be found in 20 epochs
NETWORK: Facts = {
    "lstm": (32,),
    "width": 64,
    "blocks": 4,
    "heads": 4,
    "key": 16,
    "inner": 128,
    "dropout": 0.1,
    "lookback": LOOKBACK,
    "batch_size": BATCH,
}
WINDOWS: Facts = {"feeding": "windows", "burn_in": 0}
SETTINGS: dict[str, Facts] = {
    "Keras fit, windows": WINDOWS,
    "ours, windows": WINDOWS,
    **{
        f"ours, dense, burn-in {burn_in}, stretch {stretch}": {"burn_in": burn_in, "stretch": stretch}
        for burn_in in (60, 30)
        for stretch in (128, 256)
    },
}
PEER = "Keras fit, windows"
PROCESSES = {1: "one process", 2: "two processes"}
EPOCHS, FEW_EPOCHS = 20, 5
DEVELOPED = 12 * 252  # rows of the walk before the lock-box
RESULTS = Path(__file__).parent / "results" / "networks.json"
BYTES = 1 if sys.platform == "darwin" else 1024  # a unit of ru_maxrss


def arrays() -> FoldArrays:
    """Return 3000 train and 504 valid rows of random features, with a little of the target in them."""
    rng = np.random.default_rng(20240102)
    rows = PAST + TRAIN + 1 + VALID + 2
    x = rng.standard_normal((rows, FEATURES))
    slope = rng.standard_normal(FEATURES)
    y = x @ slope / np.linalg.norm(slope) * R2**0.5 + rng.standard_normal(rows) * (1.0 - R2) ** 0.5
    valid = PAST + TRAIN + 1
    fold = Fold(0, range(PAST, PAST + TRAIN), range(valid, valid + VALID), range(valid + VALID + 1, rows))
    return fold_arrays(x, 0.01 * y, fold)


# The half that runs in a process of its own.


def candidate(name: str, epochs: int) -> None:
    """Prepare, say so, wait for the word, then fit once and print what it took."""
    prepare = keras_fit if name == PEER else our_fit
    fit = prepare(SETTINGS[name], epochs)
    print("ready", flush=True)
    sys.stdin.readline()
    started = now()
    found, ends = fit()
    (first, first_busy), (last, last_busy) = ends[0], ends[-1]
    epoch = float(np.median(np.diff([end for end, _ in ends])))
    found |= {
        "first_epoch_s": first - started[0],
        "epoch_s": epoch,
        "fit_s": last - started[0] + (EPOCHS - epochs) * epoch,
        "busy_cores": (last_busy - first_busy) / (last - first),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES / 1e6,
    }
    print(json.dumps(found), flush=True)


def now() -> tuple[float, float]:
    """Return the seconds of the clock and those that this process has used of all processors."""
    return time.perf_counter(), time.process_time()


def our_fit(settings: Facts, epochs: int) -> Any:
    """Return a fit by our loop: builds, compiles, trains; gives facts and the end of each epoch."""
    from geiger.models.nets.forecaster import LSTMTransformer, job_of, program_of
    from geiger.models.nets.loop import train
    from geiger.models.nets.program import forecast
    from geiger.models.nets.schedule import Schedule

    data = arrays()
    network = LSTMTransformer(**NETWORK, **settings)
    schedule = Schedule(epochs, start_counts=False, plateau_patience=None, stop_patience=None)

    def fit() -> tuple[Facts, Ends]:
        program = program_of(network, FEATURES, False)
        job = job_of(network, program, data.train, data.valid, 0)
        loop, ends = train(program, [job], schedule), Ends()
        while True:
            try:
                next(loop)
                ends.append(now())
            except StopIteration as done:
                (learned,) = done.value
                break
        found = forecast(program, job, learned.weights, job.valid)[0]
        return facts(program.net, learned.steps // epochs, found, job.y[job.valid]), ends

    return fit


def keras_fit(settings: Facts, epochs: int) -> Any:
    """Return a fit by Keras of the same network, on windows that lie in memory."""
    import jax

    jax.devices()  # takes all cores, before our own backend would take one
    from geiger.models.nets.backend import keras
    from geiger.models.nets.forecaster import LSTMTransformer

    data = arrays()
    assert data.valid.history is not None
    series = data.valid.history.x.astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(series, LOOKBACK, axis=0).swapaxes(1, 2)

    def laid_out(rows: Any) -> Any:
        return np.ascontiguousarray(windows[data.valid.history.at(rows) - LOOKBACK + 1])

    x, x_valid = laid_out(data.train.rows), laid_out(data.valid.rows)
    y, y_valid = (block.y.astype(np.float32)[:, None] for block in (data.train, data.valid))
    ends: Ends = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ends.append(now())

    def fit() -> tuple[Facts, Ends]:
        days = keras.Input((LOOKBACK, FEATURES))
        tokens = LSTMTransformer(**NETWORK, **settings).body(0)(days)
        change = keras.layers.Dense(1, kernel_initializer="zeros")(tokens[:, -1])
        linear = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(days[:, -1])
        model = keras.Model(days, change + linear)
        model.compile(keras.optimizers.Adam(1e-3, clipnorm=1.0), loss="mse")
        model.fit(
            x,
            y,
            batch_size=BATCH,
            epochs=epochs,
            validation_data=(x_valid, y_valid),
            callbacks=[Clock()],
            verbose=0,
        )
        steps = int(model.optimizer.iterations) // epochs
        return facts(model, steps, model.predict(x_valid, verbose=0)[:, 0], y_valid[:, 0]), ends

    return fit


def facts(model: Any, steps: int, forecast: Any, outcome: Any) -> Facts:
    """Return size, steps an epoch, and what the fit found of the planted signal."""
    correlation = float(np.corrcoef(forecast, outcome)[0, 1])
    return {"parameters": int(model.count_params()), "steps": steps, "correlation": correlation}


# The half that starts them.


def race(name: str, processes: int) -> Facts:
    """Run a candidate in so many processes at once; return what they took together."""
    windows = SETTINGS[name] is WINDOWS
    epochs = FEW_EPOCHS if windows else EPOCHS
    command = [sys.executable, __file__, "--candidate", name, "--epochs", str(epochs)]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "KERAS_BACKEND": "jax"}
    if processes > 1:
        environment["NPROC"] = "1"
    runs = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(processes)
    ]
    for run in runs:
        assert run.stdout
        assert run.stdout.readline() == "ready\n", f"{name}: failed, see above"
    for run in runs:
        assert run.stdin
        run.stdin.write("go\n")
        run.stdin.flush()
    answers = [run.communicate()[0] for run in runs]
    ended = [run.returncode for run in runs]
    assert not any(ended), f"{name}: ended with {ended}, see above"
    found = [json.loads(answer) for answer in answers]
    return {
        "parameters": found[0]["parameters"],
        "steps_an_epoch": found[0]["steps"],
        "epochs_timed": epochs,
        "epoch_s": statistics.mean(one["epoch_s"] for one in found),
        "epochs_a_second": sum(1.0 / one["epoch_s"] for one in found),
        "first_epoch_s": max(one["first_epoch_s"] for one in found),
        "fit_s": max(one["fit_s"] for one in found),
        "fits_a_minute": 60.0 * processes / max(one["fit_s"] for one in found),
        "busy_cores": sum(one["busy_cores"] for one in found),
        "peak_mb": sum(one["peak_mb"] for one in found),
        "correlation": statistics.mean(one["correlation"] for one in found),
    }


def compare(repeats: int, everything: bool) -> Facts:
    """Run all candidates in turn, several times over; return medians and ratios to one Keras fit."""
    cases = [
        (name, processes)
        for name in SETTINGS
        for processes in PROCESSES
        if everything or "dense" in name or (name, processes) == (PEER, 1)
    ]
    runs: dict[tuple[str, int], list[Facts]] = {case: [] for case in cases}
    for repeat in range(repeats):
        for case in cases:
            runs[case].append(race(*case))
            print(f"{repeat + 1}/{repeats} {line(*case, runs[case][-1])}", flush=True)
    medians = {
        case: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for case, found in runs.items()
    }
    peer = medians[PEER, 1]
    sizes = [found["parameters"] / peer["parameters"] for found in medians.values()]
    assert max(abs(size - 1.0) for size in sizes) < 0.01, f"networks of different size: {sizes}"
    assert len({found["steps_an_epoch"] for found in medians.values()}) == 1, "different steps an epoch"
    table = [
        {
            "candidate": name,
            "processes": processes,
            **{key: round(value, 4) for key, value in medians[name, processes].items()},
            "epoch_s_of_each_repeat": [round(run["epoch_s"], 4) for run in runs[name, processes]],
            **{
                f"times_{key}_of_keras": round(medians[name, processes][key] / peer[key], 2)
                for key in ("epochs_a_second", "fits_a_minute")
            },
        }
        for name, processes in cases
    ]
    return {"repeats": repeats, "epochs_a_fit": EPOCHS, "rows": TRAIN, "batch": BATCH, "candidates": table}


def line(name: str, processes: int, found: Facts) -> str:
    """Return one measurement as a line."""
    return (
        f"{name:37} {PROCESSES[processes]:13} {found['epochs_a_second']:6.2f} epochs/s, first after "
        f"{found['first_epoch_s']:5.1f} s, fit {found['fit_s']:6.1f} s, {found['busy_cores']:.1f} cores, "
        f"{found['peak_mb']:6.0f} MB, correlation {found['correlation']:.3f}"
    )


CHILD = """
import json, resource, sys
from geiger.cli import main
code = main(sys.argv[1:])
from joblib.externals.loky import get_reusable_executor
get_reusable_executor(reuse=True).shutdown(wait=True)  # a worker's memory counts once it has ended
kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
print("PEAKS", json.dumps([resource.getrusage(kind).ru_maxrss for kind in kinds]))
sys.exit(code)
"""


def walk(symbol: str, data: Path | None) -> Facts:
    """Train the default LSTM-Transformer on all folds, from a cold start."""
    options = [] if data is None else ["--data", str(data)]
    with tempfile.TemporaryDirectory() as folder:
        options += ["--runs-dir", f"{folder}/runs", "--log-dir", f"{folder}/logs", "--json"]
        planned = trained([symbol, *options, "--start", first_day(symbol, data), "--dry-run"], folder)
        done = trained([symbol, *options, "--start", first_day(symbol, data)], folder)
        assert done["status"] != "FAILED", done
    workers = (
        min(len(os.sched_getaffinity(0)), planned["folds"]) if hasattr(os, "sched_getaffinity") else None
    )
    own, largest = (peak * BYTES / 1e6 for peak in done["peaks"])
    return {
        "symbol": symbol,
        "first_day": planned["data"]["first_day"],
        "last_day": planned["data"]["last_day"],
        "rows": planned["data"]["rows"],
        "rows_forecast": planned["test_rows"],
        "folds": planned["folds"],
        "networks": planned["members"],
        "processes": workers,
        "seconds": round(done["seconds"], 1),
        "seconds_a_network": round(done["seconds"] / planned["members"], 2),
        "expected_seconds": round(60 * planned["minutes"], 1),
        "peak_mb_of_parent": round(own, 1),
        "peak_mb_of_largest_worker": round(largest, 1),
        "peak_mb_of_all_at_once": round(done["together"] / 1e6, 1) if done["together"] else None,
        "status": done["status"],
    }


def first_day(symbol: str, data: Path | None) -> str:
    """Return the day from which on DEVELOPED rows are left before the lock-box, or the first there is."""
    from geiger.experiment.plan import Experiment

    days = Experiment(symbol, "lstm", data=data).material().prices["day"]
    return str(days[-min(DEVELOPED, len(days))])


def trained(arguments: list[str], folder: str) -> Facts:
    """Run ``geiger train lstm`` in a process of its own; return what it says, its time and its memory."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, "train", "lstm", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "JAX_PLATFORMS": "cpu", "NUMBA_CACHE_DIR": f"{folder}/numba"},
    ) as child:
        together = [0]
        threading.Thread(target=watch, args=(child, together), daemon=True).start()
        said = child.communicate()[0]
    seconds = time.perf_counter() - started
    assert child.returncode in (0, 3), f"geiger train ended with {child.returncode}"
    text, peaks = said.split("PEAKS")
    (found,) = json.loads(text)
    return {**found, "seconds": seconds, "peaks": json.loads(peaks), "together": together[0]}


def watch(child: subprocess.Popen[str], together: list[int]) -> None:
    """Keep the largest sum of resident memory (bytes) of the child's session; shared pages count for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    while child.poll() is None and Path("/proc/self/stat").exists():
        total = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            if int(fields[3]) == child.pid:
                total += int(fields[21]) * page
        together[0] = max(together[0], total)
        time.sleep(0.25)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("epochs", "walk"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="our windows and two Keras processes, too: slow")
    parser.add_argument("--data", type=Path, help="folder of price files for the walk")
    parser.add_argument("--symbol", default="AAPL", help="of the walk")
    parser.add_argument("--candidate", choices=SETTINGS, help=argparse.SUPPRESS)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.candidate:
        candidate(options.candidate, options.epochs)
        return
    record: Facts = json.loads(RESULTS.read_text()) if RESULTS.exists() and options.only else {}
    record |= {
        "command": "python bench/networks.py" + (" --data DIR" if options.data else ""),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "versions": {name: metadata.version(name) for name in ("keras", "jax", "jaxlib", "numpy")},
    }
    if options.only != "walk":
        record["epochs"] = compare(options.repeats, options.all)
        for found in record["epochs"]["candidates"]:
            ratios = f"{found['times_epochs_a_second_of_keras']:.1f}x epochs, "
            ratios += f"{found['times_fits_a_minute_of_keras']:.1f}x fits of one Keras fit"
            print(line(found["candidate"], found["processes"], found) + f", {ratios}")
    if options.only != "epochs":
        record["walk"] = walk(options.symbol, options.data)
        print(json.dumps(record["walk"], indent=2))
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
