"""Write the pages that are made from the code: ``make docs``. Tests fail when one of them is stale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from geiger.features.catalogue import features_page

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write docs/features.md and the example of docs/log-format.md."""
    (ROOT / "docs" / "features.md").write_text(features_page(), encoding="utf-8")
    subprocess.run([sys.executable, ROOT / "tests" / "runlog" / "test_log_format.py"], check=True)


if __name__ == "__main__":
    main()
