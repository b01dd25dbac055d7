"""A validation on a Ray cluster of two nodes, one of which is taken away in the middle.

    python bench/ray_nodes.py SYMBOL... [--data DIR] [--models ridge,lgb] [--recipe quick] [--max-folds 6]

Both nodes are of this machine, with a processor and an object store each; nothing is shared but what travels
by Ray. The second node is removed, without a word to it, when the first job is done and it is at work on
another. The same command in one local process, in another folder, must leave the same runs. Needs Ray:
``pip install 'geiger-lab[ray]'``. Keeps what happened in bench/results/ray_nodes.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ray
from ray.cluster_utils import Cluster

from geiger.judging.validate import Asked, Entry, Heard, lay_out, validate
from geiger.panel.engines import Engine, LocalEngine, Outcome, RayEngine
from geiger.runs.folder import RunsFolder
from geiger.settings import override, recipe

sys.path.insert(0, str(Path(__file__).parent))
from harness import RESULTS, machine

STORED = RESULTS / "ray_nodes.json"
LOG = "GEIGER_BENCH_JOBS"  # where workers write which node began and ended which job


def tell_of_jobs() -> None:
    """Let a worker of the cluster write down what it does, for this report alone."""
    import geiger.panel.engines.ray as engine
    from geiger.panel.engines.wire import unpack

    perform = engine.perform

    def told(content: bytes) -> bytes:
        name, node = unpack(content).facts["name"], ray.get_runtime_context().get_node_id()

        def note(what: str) -> None:
            with open(os.environ[LOG], "a") as file:
                file.write(json.dumps([what, node, name]) + "\n")

        note("began")
        answer = perform(content)
        note("ended")
        return answer

    engine.perform = told


def asked(args: argparse.Namespace, folder: Path) -> Asked:
    """Return what is validated, in a folder of its own."""
    return Asked(
        symbols=tuple(args.symbols),
        models=tuple(args.models.split(",")),
        configs=(override(recipe(args.recipe), {"max_folds": args.max_folds}),),
        data=args.data,
        runs_dir=folder / "runs",
        log_dir=folder / "training_logs",
    )


def done(what: Asked, engine: Engine, heard: Heard) -> tuple[list[Entry], float]:
    """Validate, and return the entries and the seconds it took."""
    started = time.monotonic()
    return validate(what, lay_out(what), engine, heard), time.monotonic() - started


def notes(path: Path) -> list[list[str]]:
    """Return what the workers wrote down so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def files(what: Asked, entries: list[Entry]) -> dict[str, bytes]:
    """Return all files of all runs but their records, which hold times and names."""
    found = {}
    for entry in entries:
        assert entry.run is not None, entry.error
        folder = RunsFolder(Path(what.runs_dir)).load(entry.run).folder
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != "run.json":
                found[f"{entry.name}: {path.relative_to(folder)}"] = path.read_bytes()
    return found


def main() -> None:
    """Validate on a cluster that loses a node, then here, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("symbols", metavar="SYMBOL", nargs="+")
    parser.add_argument("--data", metavar="DIR", type=Path)
    parser.add_argument("--models", default="ridge,lgb")
    parser.add_argument("--recipe", default="quick")
    parser.add_argument("--max-folds", type=int, default=6)
    args = parser.parse_args()
    with TemporaryDirectory() as place:
        log = Path(place) / "jobs"
        os.environ[LOG] = str(log)
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        second = cluster.add_node(num_cpus=1)
        ray.init(
            address=cluster.address,
            log_to_driver=False,
            runtime_env={"worker_process_setup_hook": tell_of_jobs, "env_vars": {LOG: str(log)}},
        )
        nodes, removed = len([one for one in ray.nodes() if one["Alive"]]), dict[str, Any]()

        def remove(outcome: Outcome, seconds: float) -> None:
            """Take the second node away as soon as it is in the middle of a job."""
            if removed:
                return
            for _ in range(600):
                begun = Counter(tuple(note[1:]) for note in notes(log) if note[0] == "began")
                begun -= Counter(tuple(note[1:]) for note in notes(log) if note[0] == "ended")
                busy = [name for node, name in begun if node == second.node_id]
                if busy:
                    removed.update(node=second.node_id, in_the_middle_of=busy)
                    cluster.remove_node(second, allow_graceful=False)
                    return
                time.sleep(0.05)

        on_ray = asked(args, Path(place) / "ray")
        entries, seconds = done(on_ray, RayEngine(), Heard(trained=remove))
        left = len([one for one in ray.nodes() if one["Alive"]])
        ray.shutdown()
        cluster.shutdown()
        here = asked(args, Path(place) / "local")
        alone, seconds_alone = done(here, LocalEngine(1), Heard())
        theirs, ours = files(on_ray, entries), files(here, alone)
        begun = Counter(name for what, _, name in notes(log) if what == "began")
        facts = {
            "command": " ".join(["python", "bench/ray_nodes.py", *sys.argv[1:]]),
            "machine": machine(),
            "ray": ray.__version__,
            "nodes": [nodes, left],
            "removed_in_the_middle_of": removed.get("in_the_middle_of"),
            "jobs": len(begun),
            "jobs_begun_twice": sorted(name for name, times in begun.items() if times > 1),
            "runs": len(entries),
            "files": len(ours),
            "files_that_differ": sorted(n for n in theirs.keys() | ours if theirs.get(n) != ours.get(n)),
            "seconds": {"cluster": round(seconds, 1), "one local process": round(seconds_alone, 1)},
        }
    STORED.write_text(json.dumps(facts, indent=2) + "\n")
    print(json.dumps(facts, indent=2))
    sys.exit(bool(facts["files_that_differ"]) or left >= nodes)


if __name__ == "__main__":
    main()
