"""A settings file is read in one place, and a broken one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from geiger.errors import SettingError
from geiger.settings import from_toml


def test_toml_names_a_recipe_and_changes_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'recipe = "plan"\nrefit = 21\n[trading]\nrisk = "aggressive"\n[ridge]\nalphas = [1, 10]\n'
    )
    config = from_toml(path)
    assert (config.recipe, config.refit, config.fill) == ("plan", 21, "close")
    assert config.trading.risk == "aggressive"
    assert config.ridge.alphas == (1.0, 10.0)


@pytest.mark.parametrize(
    "text", ["refit = ", "\x00", 'recipe = "plam"', "refit = " + "9" * 5000, "a = " + "[" * 100_000]
)
def test_a_broken_toml_names_the_file_or_the_recipe(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(SettingError, match=r"mine\.toml|did you mean 'plan'"):
        from_toml(path)


def test_a_missing_toml_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no such settings file"):
        from_toml(tmp_path / "none.toml")
