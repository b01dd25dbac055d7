from __future__ import annotations

import argparse
import re

import pytest

from geiger.cli import page
from geiger.cli.page import cli_page
from geiger.cli.parser import build_parser


def test_every_command_of_the_contents_has_its_section() -> None:
    text = cli_page()
    listed = re.findall(r"^\| \[`(geiger [a-z ]+)`\]\(#([a-z-]+)\)", text, re.M)
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert [name for name, _ in listed] == headings
    assert [name.replace(" ", "-") for name in headings] == [link for _, link in listed]
    assert {"geiger train", "geiger data show", "geiger logs analyze"} <= set(headings)
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert {name.split()[1] for name in headings} == set(action.choices)


def test_an_option_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser("tool", description="Does it.")
    parser.add_argument("symbol", nargs="+", metavar="SYMBOL", help="what | for")
    parser.add_argument("--share", type=float, default=0.5, help="half, 50%%")
    parser.add_argument("--kind", choices=["a", "b"], required=True, help="one of two")
    parser.add_argument("--quick", "-q", action="store_true", help="soon")
    parser.add_argument("--hidden", help=argparse.SUPPRESS)
    monkeypatch.setattr(page, "build_parser", lambda: parser)
    text = cli_page()
    assert "`tool SYMBOL ... [options]`" in text
    assert "| `SYMBOL ...` | what \\| for |" in text
    assert "| `--share SHARE` | half, 50% (default: 0.5) |" in text
    assert "| `--kind {a,b}` | one of two (required) |" in text
    assert "| `--quick`, `-q` | soon |" in text
    assert "hidden" not in text
