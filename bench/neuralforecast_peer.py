"""The same folds by neuralforecast: our networks beside its LSTM and xLSTM, one series, refitted every year.

    python bench/neuralforecast_peer.py --neuralforecast-python PATH [--epochs 20] [--folds N]

neuralforecast does not share our pins, so it lives in an environment of its own (with `xlstm`,
`mlstm_kernels` and `ninja` for its xLSTM) and runs in that interpreter, on the CPU. First ``geiger train``
walks forward over the embedded AAPL (or a file of DIR): refit every 252 rows, one seed, at most `--epochs`
epochs, returns from close to close, so that both know the same at the same time. Then neuralforecast gets,
fold by fold, the same scaled features, outcomes and train rows, a network of about our size, windows of 60
days, 512 targets a step and as many steps as ours took, and forecasts the same rows.

It is called in the way that is fastest for it: one `cross_validation` a fold, with a new model. One call with
``refit=252`` for all folds goes on from the weights of the fold before and forecasts every row by a `predict`
of its own: what one of those takes stands in the result. Our time in all is a process that also loads prices
and computes features; neuralforecast's is one that finds them ready.

Writes bench/results/neuralforecast.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

Facts = dict[str, Any]

REFIT, INPUT, BATCH, RATE, CLIP = 252, 60, 512, 1e-3, 1.0
PEERS = {"lstm": "LSTM", "xlstm": "xLSTM"}
SIZES: dict[str, Facts] = {
    "lstm": {"encoder_n_layers": 1, "encoder_hidden_size": 128},
    "xlstm": {
        "encoder_n_blocks": 2,
        "encoder_hidden_size": 80,
        "decoder_hidden_size": 64,
        "backbone": "mLSTM",  # its sLSTM is written for CUDA
    },
}
PREDICTS = 3
RESULTS = Path(__file__).parent / "results" / "neuralforecast.json"


# The half that runs in neuralforecast's interpreter: it imports nothing of ours.


def serve(folder: Path, model: str) -> None:
    """Fit and forecast every fold of `folder`; write what it took, or why it cannot be done."""
    found: Facts = {"folds": []}
    try:
        found |= versions()
        for path in sorted(folder.glob("fold_*.npz")):
            found["folds"].append(fold(path, model, found))
            print(f"{PEERS[model]} {path.stem}: {found['folds'][-1]['seconds']:.1f} s", flush=True)
    except Exception as error:
        found["error"] = f"{type(error).__name__}: {error}"
    (folder / f"{model}.json").write_text(json.dumps(found))


def versions() -> Facts:
    """Silence what neuralforecast says while it works, and return what is at work."""
    import logging
    import warnings

    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    import neuralforecast
    import torch

    return {
        "neuralforecast": neuralforecast.__version__,
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def fold(path: Path, model: str, found: Facts) -> Facts:
    """Fit one fold with a new model; store its forecasts beside the data."""
    import neuralforecast
    import pandas as pd
    from neuralforecast import models
    from neuralforecast.losses.pytorch import MSE

    data = np.load(path)
    names = [f"f{i}" for i in range(data["x"].shape[1])]
    days = pd.DataFrame({"unique_id": "series", "ds": np.arange(len(data["y"])), "y": data["y"]})
    frame = pd.concat([days, pd.DataFrame(data["x"], columns=names)], axis=1)
    started = time.perf_counter()
    network = getattr(models, PEERS[model])(
        h=1,
        input_size=INPUT,
        hist_exog_list=names,
        loss=MSE(),
        max_steps=int(data["steps"]),
        learning_rate=RATE,
        gradient_clip_val=CLIP,
        batch_size=1,
        windows_batch_size=BATCH,
        scaler_type="identity",
        val_check_steps=10**9,
        random_seed=1,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        **SIZES[model],
    )
    forecaster = neuralforecast.NeuralForecast(models=[network], freq=1)
    sizes = {"n_windows": None, "test_size": int(data["test"]), "val_size": int(data["valid"])}
    out = forecaster.cross_validation(frame, step_size=1, refit=False, **sizes)
    seconds = time.perf_counter() - started
    assert np.allclose(out["y"], data["y"][-int(data["test"]) :]), f"{path.stem}: not our rows"
    np.save(path.with_name(f"{model}_{path.stem}.npy"), out[PEERS[model]].to_numpy(np.float64))
    if "seconds_a_predict" not in found:
        predicts = [timed_predict(forecaster, frame) for _ in range(PREDICTS)]
        found["seconds_a_predict"] = statistics.median(predicts)
        found["parameters"] = sum(weight.numel() for weight in network.parameters())
    return {"seconds": seconds, "steps": int(data["steps"])}


def timed_predict(forecaster: Any, frame: Any) -> float:
    """Return the seconds of one forecast of the day after the frame."""
    started = time.perf_counter()
    forecaster.predict(df=frame)
    return time.perf_counter() - started


# Our half.


def ours(model: str, options: argparse.Namespace, folder: Path) -> Facts:
    """Walk forward with ``geiger train`` in a process of its own; return times, forecasts and steps."""
    import polars as pl

    command = [sys.executable, "-m", "geiger", "train", model, options.symbol, "--json"]
    command += ["--refit", str(REFIT), "--seeds", "1", "--fill", "close", "--epochs", str(options.epochs)]
    command += ["--runs-dir", str(folder / "runs"), "--log-dir", str(folder / "logs")]
    command += ["--data", str(options.data)] if options.data else []
    command += ["--max-folds", str(options.folds)] if options.folds else []
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    seconds = time.perf_counter() - started
    assert done.returncode in (0, 3), f"geiger train ended with {done.returncode}"
    (facts,) = json.loads(done.stdout)
    run = json.loads((Path(facts["folder"]) / "run.json").read_text())
    return {
        "status": facts["status"],
        "seconds": seconds,
        "folds": [
            {"seconds": fold["seconds"], "steps": training["steps"]}
            for fold, training in zip(run["folds"], run["trainings"], strict=True)
        ],
        "forecasts": pl.read_parquet(Path(facts["folder"]) / "forecasts.parquet"),
    }


def hand_over(options: argparse.Namespace, steps: list[int], folder: Path) -> list[tuple[float, float]]:
    """Write each fold's arrays as neuralforecast counts: row s holds the return from day s - 1 to day s.

    Returns
    -------
    list of (mean, standard deviation)
        What a standardised forecast of each fold stands for.
    """
    from geiger.experiment.cut import plan_folds
    from geiger.experiment.plan import Experiment
    from geiger.learning.windows import fold_arrays
    from geiger.settings import override, recipe

    changes = {"refit": REFIT, "fill": "close", "max_folds": options.folds}
    config = override(recipe("default"), changes)
    material = Experiment(
        options.symbol, "lstm", config, options.data, runs_dir=folder / "library"
    ).material()
    target = material.target["value"].to_numpy()
    units = []
    for fold, count in zip(plan_folds(material, config), steps, strict=True):
        arrays = fold_arrays(material.features, target, fold, clip=config.clip)
        past, scaler = arrays.test.history, arrays.scaler
        assert past is not None
        # The last row is the day that the last test row forecasts: its features are not known yet.
        x = np.concatenate([past.x[1:], np.zeros((1, past.x.shape[1]))])
        np.savez(
            folder / f"fold_{fold.index:02d}.npz",
            x=x.astype(np.float32),
            y=scaler.standardise(target[past.first : fold.test.stop]).astype(np.float32),
            test=len(fold.test),
            valid=fold.test.start - fold.train.stop,
            steps=count,
        )
        units.append((scaler.target_mean, scaler.target_std))
    return units


def theirs(model: str, options: argparse.Namespace, steps: list[int], folder: Path, ours: Facts) -> Facts:
    """Run neuralforecast on our folds and judge it on our rows."""
    units = hand_over(options, steps, folder)
    command = [options.neuralforecast_python, str(Path(__file__).resolve()), "--models", model]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--serve", str(folder)], stderr=subprocess.PIPE, text=True, check=False, cwd=folder
    )
    seconds = time.perf_counter() - started
    answer = folder / f"{model}.json"
    found = json.loads(answer.read_text()) if answer.exists() else {"error": done.stderr[-500:]}
    if "error" in found:
        print(f"{PEERS[model]} does not run here: {found['error']}", file=sys.stderr)
        return found
    paths = sorted(folder.glob(f"{model}_fold_*.npy"))
    forecasts = [mean + std * np.load(path) for path, (mean, std) in zip(paths, units, strict=True)]
    outcome = ours["forecasts"]["outcome"].to_numpy()
    return {**found, "seconds": seconds, "correlation": correlation(np.concatenate(forecasts), outcome)}


def correlation(forecast: Any, outcome: Any) -> float:
    """Return the correlation over all test rows."""
    assert forecast.shape == outcome.shape, f"{forecast.shape} forecasts of {outcome.shape} rows"
    return float(np.corrcoef(forecast, outcome)[0, 1])


def compare(model: str, options: argparse.Namespace) -> Facts:
    """Walk forward with both; return times a fold and in total, and correlations on the same rows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = ours(model, options, folder)
        steps = [fold["steps"] for fold in own["folds"]]
        frame = own.pop("forecasts")
        rows = frame.height
        own["correlation"] = correlation(frame["forecast"].to_numpy(), frame["outcome"].to_numpy())
        own["parameters"] = size_of(model)
        sides = {f"geiger {model}": own}
        if options.neuralforecast_python:
            peer = theirs(model, options, steps, folder, {"forecasts": frame})
            sides[f"neuralforecast {PEERS[model]}"] = peer
    for side in sides.values():
        if "error" not in side:
            side["median_seconds_a_fold"] = statistics.median(fold["seconds"] for fold in side["folds"])
    return {
        "rows": rows,
        "first_day": str(frame["day"][0]),
        "last_day": str(frame["day"][-1]),
        "standard_error_of_a_correlation": rows**-0.5,
        "sides": sides,
    }


def size_of(model: str) -> int:
    """Return the number of weights of our network."""
    code = (
        "from geiger.features.catalogue import NAMES\nfrom geiger.models import make\n"
        "from geiger.models.nets.forecaster import program_of\n"
        f"print(program_of(make({model!r}, {{}}), len(NAMES), False).net.count_params())"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.split()[-1])


def show(found: Facts) -> None:
    """Print one comparison."""
    print(f"{found['rows']} rows from {found['first_day']} to {found['last_day']}")
    for name, side in found["sides"].items():
        if "error" in side:
            print(f"  {name:22} {side['error']}")
            continue
        steps = sum(fold["steps"] for fold in side["folds"])
        print(
            f"  {name:22} {side['seconds']:7.1f} s in all, {side['median_seconds_a_fold']:6.1f} s a fold "
            f"(median of {len(side['folds'])}), {steps} steps, {side['parameters']} weights, correlation "
            f"{side['correlation']:+.3f} (standard error {found['standard_error_of_a_correlation']:.3f})"
        )


def main() -> None:
    """Walk forward with every model and its peer, print, and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--neuralforecast-python", help="interpreter of an environment with neuralforecast")
    parser.add_argument("--models", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--folds", type=int, help="only the last N folds")
    parser.add_argument("--epochs", type=int, default=20, help="of ours, at most; sets the steps of both")
    parser.add_argument("--data", type=Path, help="folder of price files")
    parser.add_argument("--symbol", default="AAPL")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.models[0])
        return
    probe = [options.neuralforecast_python or sys.executable, "-c", "import neuralforecast"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        print(
            f"neuralforecast is missing in {probe[0]}: timing ours alone, nothing is written.",
            file=sys.stderr,
        )
        print(
            "Make an environment with it and name its interpreter: --neuralforecast-python PATH",
            file=sys.stderr,
        )
        options.neuralforecast_python = None
    elif options.neuralforecast_python is None:
        options.neuralforecast_python = sys.executable
    results = {}
    for model in options.models:
        results[model] = compare(model, options)
        show(results[model])
    if options.neuralforecast_python:
        write(results, options)


def write(results: Facts, options: argparse.Namespace) -> None:
    """Store the numbers with what is needed to repeat them."""
    values = {"epochs": options.epochs, "folds": options.folds, "data": options.data and "DIR"}
    given = [f"--{name} {value}" for name, value in values.items() if value]
    given += ["--models", *options.models] if options.models != list(PEERS) else []
    record = {
        "command": " ".join(["python bench/neuralforecast_peer.py --neuralforecast-python PATH", *given]),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "symbol": options.symbol,
        "refit": REFIT,
        "input_size": INPUT,
        "targets_a_step": BATCH,
        "note": "our folds run side by side, one a core; each of neuralforecast's has all cores",
        "results": rounded(results),
    }
    RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def rounded(value: Any) -> Any:
    """Return `value` with four digits after the point."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
