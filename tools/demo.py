"""What ``geiger demo`` printed, kept beside the pages; ``python tools/demo.py`` runs it anew."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

KEPT = Path(__file__).parents[1] / "docs" / "demo.txt"


def demo_part() -> str:
    """Return the README's block: the last paragraph of what was printed."""
    last = KEPT.read_text(encoding="utf-8").rstrip().rpartition("\n\n")[2]
    return f"```text\n{last}\n```\n"


def words(text: str) -> str:
    """Return text without numbers, units of time and line ends: processors and clocks change them."""
    masked = " ".join(re.sub(r"\d[\d.,_]*", "N", text).split())
    return re.sub(r"N (?:s|min|h)\b", "N", masked)


def main() -> None:
    """Run the demo as `make demo` does, and keep what it prints on a pipe; or hold that against a file.

    ``python tools/demo.py FILE`` ends with 1 where the words that were kept are not those at the end of FILE.
    """
    if len(sys.argv) > 1:
        came = words(Path(sys.argv[1]).read_text(encoding="utf-8"))
        if not came.endswith(words(KEPT.read_text(encoding="utf-8"))):
            sys.exit(
                "the demo prints other words than docs/demo.txt: `python tools/demo.py`, then `make docs`"
            )
        return
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "geiger", "demo"]
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    KEPT.write_text(done.stdout, encoding="utf-8")


if __name__ == "__main__":
    main()
