"""What a panel's settings refuse."""

from __future__ import annotations

import pytest

from geiger.errors import SettingError
from geiger.settings import override, panel_recipe


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"deviations": (3000.0, 300.0)}, "panel.deviations must be ascending"),
        ({"window": 100, "window_least": 101}, "panel.window_least 101 lies above panel.window 100"),
        ({"least_names": 1}, "least_names"),
        ({"deviations": (0.0,)}, "deviations"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, object], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        override(panel_recipe("default"), {"panel": change})


def test_no_own_coefficients_is_a_choice() -> None:
    assert override(panel_recipe("default"), {"panel": {"deviations": ()}}).panel.deviations == ()
