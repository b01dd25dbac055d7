from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Call = Any


def test_what_became_of_each_definition_is_said_and_coded(call: Call) -> None:
    first = call("agents", "install")
    assert first.code == 0
    written = [line.split(": ")[1] for line in first.out.splitlines()]
    assert written == ["written"] * 3
    path = Path(json.loads(call("agents", "install", "--json").out)[0]["path"])
    path.write_text("mine")
    again = call("agents", "install")
    assert again.code == 1
    assert f"{path}: kept: it differs; `--force` writes over it" in again.out
    assert path.read_text() == "mine"
    forced = call("agents", "install", "--force", "--json")
    assert (forced.code, forced.json[0]["state"]) == (0, "written")
    assert path.read_text() != "mine"
