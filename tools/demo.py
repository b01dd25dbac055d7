"""What ``geiger demo`` printed, kept beside the pages; ``python tools/demo.py`` runs it anew."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

KEPT = Path(__file__).parents[1] / "docs" / "demo.txt"


def demo_part() -> str:
    """Return the README's block: the last paragraph of what was printed."""
    last = KEPT.read_text(encoding="utf-8").rstrip().rpartition("\n\n")[2]
    return f"```text\n{last}\n```\n"


def main() -> None:
    """Run the demo as `make demo` does, and keep what it prints on a pipe."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "geiger", "demo"]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    KEPT.write_text(done.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
