"""How long a command takes to start: ``python bench/start.py``.

Whole processes, interleaved, median of 15 after two warm-ups. Goal: ``geiger --help`` under 0.3 s.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "geiger --help": [sys.executable, "-m", "geiger", "--help"],
    "geiger train --help": [sys.executable, "-m", "geiger", "train", "--help"],
}
WARM_UPS, RUNS = 2, 15
FIGURES = {"median": statistics.median, "min": min, "max": max}


def seconds(command: list[str]) -> float:
    """Return how long one run of `command` takes."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure, print and write."""
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for number in range(WARM_UPS + RUNS):
        for name, command in COMMANDS.items():
            took = seconds(command)
            if number >= WARM_UPS:
                times[name].append(took)
    results = {
        name: {f"{word}_s": round(figure(took), 4) for word, figure in FIGURES.items()}
        for name, took in times.items()
    }
    for name, found in results.items():
        print(f"{name:22}", "  ".join(f"{word} {seconds:.3f}" for word, seconds in found.items()))
    facts = {"command": "python bench/start.py", "runs": RUNS, "results": results}
    (Path(__file__).parent / "results" / "start.json").write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
