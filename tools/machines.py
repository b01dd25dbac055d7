"""The suite in three random orders, and as older processors would run it: ``make test-machines``, slow.

An emulation takes from this processor what an older one lacks, wherever a library lets one: XLA, OpenBLAS,
numpy's loops, numba, and the C library's mathematics; with another hash seed. What was compiled for one
processor for all (polars, the boosters) stays as it is. So emulations show the tests that hang on last bits,
and not every fault of another machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / ".test-machines"  # what pytest printed, and its JUnit record, a pair of files per run
# What numpy calls the loops it may switch off, from the first that a processor without it lacks.
AVX512 = ("AVX512", "X86_V4")
AVX2 = (*AVX512, "AVX2", "FMA3", "X86_V3")


@dataclass(frozen=True)
class Processor:
    """An older processor: what each library calls it, and what it must go without."""

    needs: str  # numpy's name of what this machine must have to play it
    xla: str
    openblas: str
    llvm: str
    numpy_lacks: tuple[str, ...] = ()  # beginnings of numpy's names
    libc_lacks: tuple[str, ...] = ()  # glibc's names


PROCESSORS = {
    "nehalem": Processor("SSE42", "SSE4_2", "Nehalem", "nehalem", AVX2, ("AVX", "AVX2", "FMA", "AVX512F")),
    "sandybridge": Processor("AVX", "AVX", "Sandybridge", "sandybridge", AVX2, ("AVX2", "FMA", "AVX512F")),
    "haswell": Processor("AVX2", "AVX2", "Haswell", "haswell", AVX512, ("AVX512F",)),
    "skylake": Processor("AVX512F", "AVX512", "SkylakeX", "skylake-avx512", ("AVX512_ICL", "AVX512_SPR")),
}
ORDERS = {"order-1": 1, "order-2": 2, "order-3": 3}  # seeds of the order of tests
RUNS = (*ORDERS, *PROCESSORS)


def emulation(processor: Processor, seed: int, dispatched: Sequence[str]) -> dict[str, str]:
    """Return the environment that plays a processor; ``dispatched``: the loops numpy would use here."""
    off = [name for name in dispatched if name.startswith(processor.numpy_lacks)]
    settings = {
        "XLA_FLAGS": f"--xla_cpu_max_isa={processor.xla}",
        "OPENBLAS_CORETYPE": processor.openblas,
        "NUMBA_CPU_NAME": processor.llvm,
        "NUMBA_CPU_FEATURES": "",  # those of the named processor, not of this one
        "PYTHONHASHSEED": str(seed),
    }
    if off:
        settings["NPY_DISABLE_CPU_FEATURES"] = " ".join(off)
    if processor.libc_lacks:
        settings["GLIBC_TUNABLES"] = "glibc.cpu.hwcaps=" + ",".join(f"-{n}" for n in processor.libc_lacks)
    return settings


def why_not(processor: Processor, features: Mapping[str, bool]) -> str | None:
    """Return why this machine cannot play that processor, None where it can."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return f"this is {platform.machine()}, not x86-64"
    if not features.get(processor.needs):
        return f"this processor has no {processor.needs}"
    return None


def unheeded(processor: Processor, environment: Mapping[str, str]) -> str | None:
    """Return what the libraries made of an environment instead of what it asks for, None where they obey."""
    probe = (
        "import numpy, scipy.linalg, threadpoolctl\n"
        "print(*{i.get('architecture') for i in threadpoolctl.threadpool_info() if i['user_api'] == 'blas'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return (done.stderr.splitlines() or ["Python did not start"])[-1]
    if done.stdout.split() != [processor.openblas]:
        return f"the linear algebra says it runs as {done.stdout.strip() or 'something unknown'}"
    return None


def counts(record: Path) -> tuple[dict[str, int], list[str]]:
    """Return how many tests passed, failed and were skipped by a JUnit record, and which failed."""
    found = {"passed": 0, "failed": 0, "skipped": 0}
    failed = []
    for case in ElementTree.parse(record).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            found["failed"] += 1
            failed.append(f"{case.get('classname', '')}::{case.get('name', '')}")
        else:
            found["skipped" if case.find("skipped") is not None else "passed"] += 1
    return found, sorted(failed)


def suite(name: str, seed: int, environment: Mapping[str, str], arguments: Sequence[str]) -> bool:
    """Run the suite once, print its row, return whether all went well."""
    RESULTS.mkdir(exist_ok=True)
    record, log = RESULTS / f"{name}.xml", RESULTS / f"{name}.log"
    record.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    command += [f"--randomly-seed={seed}", f"--junitxml={record}", *arguments]
    start = time.monotonic()
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT, check=False
        )
    seconds = time.monotonic() - start
    if not record.exists():
        print(f"{name:12} pytest ended with {done.returncode} and no result, see {log}", flush=True)
        return False
    found, failed = counts(record)
    print(
        f"{name:12} {found['passed']:6} {found['failed']:6} {found['skipped']:7} {seconds:7.0f}", flush=True
    )
    for test in failed:
        print(f"{'':12} failed: {test}")
    if done.returncode and not failed:
        print(f"{'':12} pytest ended with {done.returncode}, see {log}", flush=True)
    return done.returncode == 0


def main() -> int:
    """Run what was asked for; 1 when a run failed, 0 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=RUNS, metavar="RUN", help=", ".join(RUNS))
    parser.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    args = parser.parse_args()
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    print(f"{'run':12} passed failed skipped seconds", flush=True)
    well = True
    for name in args.only:
        if name in ORDERS:
            well &= suite(name, ORDERS[name], {}, args.pytest)
            continue
        processor, seed = PROCESSORS[name], 1 + list(PROCESSORS).index(name)
        here = [n for n in __cpu_dispatch__ if __cpu_features__.get(n)]
        environment = emulation(processor, seed, here)
        obstacle = why_not(processor, __cpu_features__) or unheeded(processor, environment)
        if obstacle:
            print(f"{name:12} does not apply: {obstacle}", flush=True)
            continue
        well &= suite(name, seed, environment, args.pytest)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
