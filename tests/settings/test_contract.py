from __future__ import annotations

from geiger.features import FEATURES, features_page
from geiger.settings.contract import COLUMNS, VERSION


def test_the_contract_says_how_many_columns_there_really_are() -> None:
    assert len(FEATURES) == COLUMNS


def test_the_page_of_features_carries_both() -> None:
    assert f"# The {COLUMNS} features ({VERSION})" in features_page()
