"""``geiger unseal`` from a shell: the answer first, and a second time it is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_lockbox_is_opened_once(on_data: Callable[..., Any], call: Callable[..., Any]) -> None:
    trained = on_data("train", "ridge", "AAA", "--lockbox", "60", "--no-audit", "--no-check-source", "--json")
    (facts,) = trained.json
    told = call("unseal", "latest", "-v")
    assert told.code == 0, told.err
    assert f"  Run       runs/{facts['run']}\n" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    assert told.out.startswith("CANNOT TELL: ")
    assert "Lock-box of 58 days" in told.out
    again = call("unseal", facts["run"])
    assert again.code == 1
    assert "it can be scored once" in again.err
