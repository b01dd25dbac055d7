from __future__ import annotations

from pathlib import Path

from geiger.runs.record import RUN_NAME
from geiger.service import tools

LONG = "AAPL_lstm_20251229_143022"


def test_names_mean_what_they_mean_elsewhere() -> None:
    for name in (LONG, "BRK.B_gbm_xgb_20240105_143022", "^GSPC_stack_20240105_143022", "a_b", "a_b_1_2"):
        assert tools.is_name(name) == bool(RUN_NAME.fullmatch(name))


def test_the_page_lists_the_tools() -> None:
    page = Path(__file__).parents[2] / "docs" / "agents.md"
    assert f"<!-- tools -->\n{tools.tools_table()}<!-- end" in page.read_text(encoding="utf-8"), (
        "run `make docs`"
    )
