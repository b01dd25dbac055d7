"""Write the pages that are made from the code: ``make docs``. Tests fail when one of them is stale."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from geiger.audit.stages import panel_stages_table, stages_table
from geiger.checks.catalogue import checks_page
from geiger.cli.page import cli_page
from geiger.evidence.error_rates import rates_tables
from geiger.features.catalogue import features_page
from geiger.glossary import glossary_page
from geiger.service.tools import tools_table
from geiger.settings.page import settings_page

sys.path.insert(0, str(Path(__file__).parent))
from api import api_page
from decisions import decisions_page
from demo import demo_part
from museum import write_museum
from speed import speed_parts

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write whole pages, tables in others, and the example of log-format."""
    (ROOT / "docs" / "features.md").write_text(features_page(), encoding="utf-8")
    (ROOT / "docs" / "checks.md").write_text(checks_page(), encoding="utf-8")
    (ROOT / "docs" / "cli.md").write_text(cli_page(), encoding="utf-8")
    (ROOT / "docs" / "settings.md").write_text(settings_page(), encoding="utf-8")
    (ROOT / "docs" / "api.md").write_text(api_page(), encoding="utf-8")
    (ROOT / "docs" / "decisions" / "README.md").write_text(decisions_page(), encoding="utf-8")
    _write_between(ROOT / "README.md", "<!-- demo -->\n", "<!-- end of demo -->", demo_part())
    (ROOT / "docs" / "glossary.md").write_text(glossary_page(), encoding="utf-8")
    page = ROOT / "docs" / "audit.md"
    _write_between(page, "<!-- stages -->\n", "<!-- end of stages -->", stages_table())
    _write_between(page, "<!-- panel stages -->\n", "<!-- end of panel stages -->", panel_stages_table())
    _write_between(
        ROOT / "docs" / "calibration.md", "<!-- rates -->\n", "<!-- end of rates -->", rates_tables()
    )
    write_museum(ROOT / "docs")
    _write_between(ROOT / "docs" / "agents.md", "<!-- tools -->\n", "<!-- end of tools -->", tools_table())
    for name, text in speed_parts().items():
        _write_between(
            ROOT / "docs" / "evidence" / "speed.md", f"<!-- {name} -->\n", f"<!-- end of {name} -->", text
        )
    subprocess.run([sys.executable, ROOT / "tests" / "runlog" / "test_log_format.py"], check=True)


def _write_between(page: Path, start: str, end: str, text: str) -> None:
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    page.write_text(f"{before}{start}{text}{end}{rest.partition(end)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
