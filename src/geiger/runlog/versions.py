"""Format steps of the run log: one small function lifts an event from each version to the next.

Events and fields may be added within a version: a reader passes over those that it does not know, and lifts
what an older log says in words only (`runlog.wording`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from geiger.errors import DataError

Event = dict[str, Any]

SCHEMA = 1


def lift(event: Event) -> Event:
    """Return `event` in the present format.

    Raises
    ------
    DataError
        The event comes from a newer version.
    ValueError
        Its version is no version.
    """
    version = event.get("schema", 0)
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise ValueError(f"{version!r} is no format version")
    if version > SCHEMA:
        raise DataError(
            f"run log: written in format {version}, this version reads up to {SCHEMA}; upgrade geiger-lab"
        )
    for step in range(version, SCHEMA):
        event = STEPS[step](event)
    return event


def _from_0(event: Event) -> Event:
    """Lift a log that has only the plan's sections: same words, but warnings need no code there."""
    extra = {"code": "UNCODED"} if event.get("event") == "warning" else {}
    return {**extra, **event, "schema": 1}


STEPS: Mapping[int, Callable[[Event], Event]] = {0: _from_0}
