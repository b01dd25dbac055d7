"""Real series, in folders that two variables name; without one, the tests that need it are skipped."""

from __future__ import annotations

import os

import pytest

MESSY = os.environ.get("GEIGER_MESSY")
PANEL = os.environ.get("GEIGER_PANEL")

needs_messy = pytest.mark.skipif(
    MESSY is None,
    reason="GEIGER_MESSY is not set: the real ugly exports are not at hand (the layouts are tested above)",
)
needs_panel = pytest.mark.skipif(
    PANEL is None, reason="GEIGER_PANEL is not set: the panel of real symbols is not at hand"
)
