"""The errors a user may see, and nothing else.

Every message says what is wrong, where, and what to do next, in one line::

    GeigerError
    ├── DataError        prices or features that cannot be used as they are
    ├── SettingError     a setting, name or path that does not exist or is not allowed
    ├── TrainingError    a model that could not be fitted
    │   └── Diverged     a network whose loss is not finite
    └── MissingLibrary   a library that is not installed or does not load

Commands print the line and exit with code 1; a traceback appears only with ``--debug``. `Terminated` is
none of them: it is a KeyboardInterrupt.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GeigerError(Exception):
    """Base of every error this project raises on purpose."""


class DataError(GeigerError):
    """Prices, features or forecasts that cannot be used as they are."""


class SettingError(GeigerError):
    """A setting, name or path that does not exist or is not allowed."""


class TrainingError(GeigerError):
    """A model that could not be fitted."""


class Diverged(TrainingError):
    """A network whose loss is not finite; `member` says which of those trained together."""

    def __init__(self, member: int, text: str) -> None:
        super().__init__(text)
        self.member = member

    def __reduce__(self) -> tuple[type[Diverged], tuple[int, str]]:
        """Cross from a process to another whole."""
        return Diverged, (self.member, str(self))


class MissingLibrary(GeigerError):
    """A library that the chosen part needs and that is not installed or does not load."""


class Terminated(KeyboardInterrupt):
    """The process is asked to end (SIGTERM): like Ctrl-C, but not by the user's hand."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the nearest right word as the tail of an error message.

    >>> did_you_mean("lookbak", ["lookback", "horizon"])
    "did you mean 'lookback'? Known: horizon, lookback"
    >>> did_you_mean("zzz", ["lookback"])
    'known: lookback'
    """
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    listing = ", ".join(names)
    return f"did you mean {near[0]!r}? Known: {listing}" if near else f"known: {listing}"
