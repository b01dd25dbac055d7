from __future__ import annotations

import re
from pathlib import Path

import pytest

from geiger.errors import DataError
from geiger.market.readers import read_prices

MESSAGES = {
    "limit": "Error: rate limit exceeded",
    "thanks": "Thank you for using us! The limit is 25 requests a day, 5 a minute. Please pay, or wait.",
    "status": "429, Too Many Requests",
    "json": '{"error": {"code": 7}}',
    "json array": '["no such symbol"]',
    "json cut short": '[{"Date": "2020-01-02", "Close"',
    "page": "\ufeff \n<!DOCTYPE html>\n<html><title>Log in</title></html>",
    "xml": "<?xml version='1.0'?><error/>",
    "table": "<table><tr><td>2020-01-02</td><td>1.5</td></tr></table>",
}


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_servers_message_is_called_so(tmp_path: Path, kind: str, name: str) -> None:
    (tmp_path / name).write_text(MESSAGES[kind])
    shown = re.escape(" ".join(MESSAGES[kind].strip("\ufeff \n").split())[:80])
    with pytest.raises(DataError, match=f"^{name}: this is a server's message, not prices: '{shown}"):
        read_prices(tmp_path / name)


@pytest.mark.parametrize("text", ["ACME\nZZZ\n", "Dear diary\n" + "nothing happened today\n" * 100])
def test_a_text_that_no_server_would_send_is_called_a_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "X.csv").write_text(text)
    with pytest.raises(DataError, match=r"^X\.csv: this is a text, not prices: '"):
        read_prices(tmp_path / "X.csv")
