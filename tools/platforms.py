"""Whether the lock installs on other systems, from wheels alone: ``make test-platforms``, needs the internet.

uv resolves here, not pip: it evaluates the lock's markers for the system asked for, where ``pip --platform``
evaluates them for the system it runs on; and it reads metadata where pip downloads every wheel.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements" / "lock.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# What people call the system -> what uv calls it. Wheels for these: glibc 2.28 (2018) and macOS 14 (2023).
SYSTEMS = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux aarch64": "aarch64-manylinux_2_28",
    "macOS Apple silicon": "aarch64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}
MACOS = "14.0"
CHOSEN = re.compile(r"^ \+ (\S+==\S+)$", re.MULTILINE)


def locked(lock: str) -> set[str]:
    """Return every ``name==version`` of a lock, whatever its marker."""
    lines = (re.split(r"[;#]", line)[0].strip() for line in lock.splitlines())
    return {line for line in lines if line}


def resolve(system: str, python: str) -> str | None:
    """Return why the lock does not install on a system, None where it does."""
    with tempfile.TemporaryDirectory() as nowhere:
        command = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--target", nowhere]
        command += [
            "--only-binary",
            ":all:",
            "--python-platform",
            SYSTEMS[system],
            "--python-version",
            python,
        ]
        # The project's own dependencies beside the lock: what they need and it lacks is chosen besides.
        command += ["--requirement", LOCK, "--requirement", "pyproject.toml", "--group", "dev"]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": MACOS, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        return " ".join(done.stderr.split())
    chosen = set(CHOSEN.findall(done.stderr))
    if not chosen:
        return "uv chose nothing"
    missing = sorted(chosen - locked(LOCK.read_text(encoding="utf-8")))
    return f"the lock lacks {', '.join(missing)}" if missing else None


def main() -> int:
    """Print a row per system and Python; 1 when one does not resolve, 0 otherwise."""
    well = True
    for system in SYSTEMS:
        for python in PYTHONS:
            reason = resolve(system, python)
            well &= reason is None
            print(f"{system:20} {python:5} {reason or 'resolved'}", flush=True)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
