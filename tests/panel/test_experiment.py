"""What a panel is asked to be, and what is refused."""

from __future__ import annotations

import pytest

from geiger.errors import GeigerError, SettingError
from geiger.panel.experiment import Panel
from helpers.panels import SYMBOLS, panel_config, panel_prices


def test_each_symbol_counts_once_and_their_order_does_not() -> None:
    one = Panel("US", (*SYMBOLS, SYMBOLS[0]), config=panel_config())
    two = Panel("US", SYMBOLS[::-1], config=panel_config())
    assert one.symbols == two.symbols == tuple(sorted(SYMBOLS))
    assert one.symbol == "US"


@pytest.mark.parametrize(
    ("name", "symbols", "text"),
    [
        (SYMBOLS[0], SYMBOLS, "needs a name that none of its symbols has"),
        ("US", SYMBOLS[:9], "9 symbols, and a day counts from 10 on; name more, or lower panel.least_names"),
    ],
)
def test_what_is_no_panel_is_refused(name: str, symbols: tuple[str, ...], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        Panel(name, symbols, config=panel_config())


@pytest.mark.parametrize("name", ["../US", "a/b", "", "US 28"])
def test_a_name_cannot_leave_its_folder(name: str) -> None:
    with pytest.raises(GeigerError):
        Panel(name, SYMBOLS, config=panel_config())


def test_prices_that_nobody_gave_are_named() -> None:
    prices = panel_prices(300)
    prices.pop(SYMBOLS[3])
    work = Panel("US", SYMBOLS, config=panel_config(), prices=prices)
    with pytest.raises(SettingError, match=f"panel US: no prices are given for {SYMBOLS[3]}"):
        work.loaded(SYMBOLS[3])
    assert work.loaded(SYMBOLS[2]).where == "given in memory"
