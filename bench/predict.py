"""What tomorrow's forecast costs once a model is loaded.

    python bench/predict.py RUN [--data DIR] [--repeats 50]

RUN is the folder of a run with a saved model, such as ``runs/AAPL_stack_20240105_143022``. Timed are loading
the model, the first forecast (networks compile), and then, again and again: the forecast of the last row from
features that are there, and everything that `geiger predict` does after the programs are loaded (model and
prices read, features computed, interval and weight decided). Medians count.

Writes bench/results/predict.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from geiger.runs.folder import RunsFolder
from geiger.runs.saved import model_of
from geiger.tomorrow.prediction import latest_material, predict

RESULTS = Path(__file__).parent / "results" / "predict.json"


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - started)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--print", action="store_true", help="write nothing")
    options = parser.parse_args()
    runs = RunsFolder(options.run.parent)
    stored = runs.load(options.run.name)
    load = milliseconds(lambda: model_of(stored))
    model = model_of(stored)
    material, _ = latest_material(stored, model, runs, options.data)
    n = material.prices.height
    rows, returns = range(n - 1, n), material.last_returns
    first = milliseconds(lambda: model.forecast(material.features, rows, returns))
    again = [
        milliseconds(lambda: model.forecast(material.features, rows, returns)) for _ in range(options.repeats)
    ]
    predict(stored, runs, data=options.data)
    whole = [milliseconds(lambda: predict(stored, runs, data=options.data)) for _ in range(5)]
    record = {
        "command": "python bench/predict.py RUN --data DIR",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}",
        "model": stored.record.model,
        "recipe": model.facts["recipe"],
        "base_models": list(model.parts),
        "rows_of_prices": n,
        "load_ms": round(load, 1),
        "first_forecast_ms": round(first, 1),
        "forecast_ms": round(statistics.median(again), 2),
        "predict_ms": round(statistics.median(whole), 1),
    }
    print(json.dumps(record, indent=2))
    if not options.print:
        RESULTS.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
