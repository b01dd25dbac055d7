"""What a setting is: a field of a frozen record that says what it means and refuses a wrong value.

A record checks itself whenever it is made, so a wrong value never travels: its type, its range, its choices
(all from where the field is defined), and then what does not go together (`Settings.check`).
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import NoneType, UnionType
from typing import Any, ClassVar, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from geiger.errors import SettingError, did_you_mean

Shapes = Literal["forecast", "networks", "panel", "nothing"]
T = TypeVar("T")
Record = TypeVar("Record", bound="Settings")
LARGEST = 2**63  # of whole numbers: no record of a run is read with a larger one
LONGEST_NAME = 40  # characters of an unknown name that are worth repeating
MARK = "setting"  # where a field's metadata hold its `About`


@dataclass(frozen=True)
class About:
    """What is known of a setting beside its type and default.

    Attributes
    ----------
    meaning : str
        One sentence for people.
    unit : str, optional
    least, most, above, below : float, optional
        Bounds of a number, or of every entry of a tuple: the first two are allowed, the others are not.
    shapes : {"forecast", "networks", "panel", "nothing"}
        What changes with it: every forecast (in a model's own section: that model's), those of networks
        alone, those of panels alone, or none. Stored forecasts are found by the settings that shape them.
    compiled : bool
        Whether a network's compiled program depends on it; what does not only steers the training.
    """

    meaning: str
    unit: str | None = None
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    shapes: Shapes = "forecast"
    compiled: bool = True

    def admits(self, number: float) -> bool:
        """Return whether a number lies within the bounds."""
        return (
            (self.least is None or number >= self.least)
            and (self.most is None or number <= self.most)
            and (self.above is None or number > self.above)
            and (self.below is None or number < self.below)
        )

    def range(self) -> str:
        """Return the bounds as the end of a sentence, empty where there are none.

        >>> About("", least=1).range(), About("", above=0, most=1).range()
        ('be at least 1', 'lie in (0, 1]')
        """
        low = self.least if self.above is None else self.above
        high = self.most if self.below is None else self.below
        if low is not None and high is not None:
            left, right = "[(", "])"
            return f"lie in {left[self.above is not None]}{low:g}, {high:g}{right[self.below is not None]}"
        words = {"at least": self.least, "above": self.above, "at most": self.most, "below": self.below}
        return next((f"be {word} {value:g}" for word, value in words.items() if value is not None), "")


def setting(
    default: T,
    meaning: str,
    *,
    unit: str | None = None,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    shapes: Shapes = "forecast",
    compiled: bool = True,
) -> T:
    """Return the field of a setting; `About` says what the arguments mean."""
    about = About(meaning, unit, least, most, above, below, shapes, compiled)
    made: T = field(default=default, metadata={MARK: about})
    return made


def section(record: type[Record], meaning: str) -> Record:
    """Return the field of a section: a record of its own, whose settings carry their own marks."""
    made: Record = field(default_factory=record, metadata={MARK: About(meaning)})
    return made


@dataclass(frozen=True)
class Known:
    """One setting of a record."""

    name: str
    hint: Any  # the type it is declared as
    declared: str  # the same, as it stands in the source
    default: Any
    about: About

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it may be; empty where it is no choice."""
        return get_args(self.hint) if get_origin(self.hint) is Literal else ()

    @property
    def optional(self) -> bool:
        """Whether it may be none."""
        return NoneType in get_args(self.hint)

    @property
    def section(self) -> type[Settings] | None:
        """The record that it is, where it is a section."""
        return self.hint if isinstance(self.hint, type) and issubclass(self.hint, Settings) else None


def known_settings(record: type[Settings]) -> Mapping[str, Known]:
    """Return the settings of a record, in their order."""
    kind: Any = record
    found: Mapping[str, Known] = _known(kind)
    return found


@cache
def _known(record: Any) -> Mapping[str, Known]:
    hints = get_type_hints(record)
    return {
        item.name: Known(
            item.name,
            hints[item.name],
            str(item.type),
            item.default if item.default is not dataclasses.MISSING else None,
            item.metadata[MARK],
        )
        for item in dataclasses.fields(record)
    }


@dataclass(frozen=True)
class Settings:
    """Base of every record of settings."""

    section: ClassVar[str] = ""  # as it is called in a settings file; empty at the top

    def __post_init__(self) -> None:
        for name, item in known_settings(type(self)).items():
            object.__setattr__(self, name, _checked(getattr(self, name), item, self.place(name)))
        self.check()

    def check(self) -> None:
        """Refuse values that do not go together; a record that has such rules adds them here."""

    @classmethod
    def place(cls, name: str) -> str:
        """Return a setting's name behind that of its section."""
        return f"{cls.section}.{name}" if cls.section else name


@dataclass(frozen=True)
class NoSettings(Settings):
    """Of a model that has nothing to set."""


def override(record: Record, changes: Mapping[str, Any]) -> Record:
    """Return `record` with `changes`; sections are given as mappings.

    Raises
    ------
    SettingError
        If a name is unknown, or a value cannot be what it is given for.

    Examples
    --------
    >>> from geiger.settings import recipe
    >>> override(recipe("default"), {"trading": {"cost_bps": 10}}).trading.cost_bps
    10.0
    """
    known = known_settings(type(record))
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in known:
            asked = str(name)[:LONGEST_NAME]
            raise SettingError(f"no setting {record.place(asked)!r}: {did_you_mean(asked, known)}")
        if known[name].section is not None and not isinstance(value, Settings):
            if not isinstance(value, Mapping):
                raise SettingError(f"setting {record.place(name)!r} is a table, got {reprlib.repr(value)}")
            values[name] = override(getattr(record, name), value)
        else:
            values[name] = value
    return dataclasses.replace(record, **values)


def as_dict(record: Settings) -> dict[str, Any]:
    """Return all settings as plain nested dictionaries, ready for JSON."""
    return dataclasses.asdict(record)


def _checked(value: Any, item: Known, place: str) -> Any:
    """Return the value as its type asks for it, or raise."""
    if item.choices:
        if not isinstance(value, str) or value not in item.choices:
            said = reprlib.repr(value)
            raise SettingError(f"{place}: no {said}; {did_you_mean(str(value)[:40], item.choices)}")
        return value
    try:
        fitted = _fitted(value, item.hint)
    except TypeError as misfit:
        wanted, got = misfit.args or (item.declared, value)
        raise SettingError(f"setting {place!r} must be {wanted}, got {reprlib.repr(got)}") from None
    for number in fitted if isinstance(fitted, tuple) else (fitted,):
        if isinstance(number, int | float) and not isinstance(number, bool):
            _require_within(number, item, place)
    return fitted


def _fitted(value: Any, hint: Any) -> Any:
    """Return `value` as `hint` has it: whole numbers serve as floats, lists as tuples.

    Raises
    ------
    TypeError
        If it does not fit; of an entry of a tuple with what was asked for and what came.
    """
    origin, choices = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None and NoneType in choices:
            return None
        (hint,) = (choice for choice in choices if choice is not NoneType)
        return _fitted(value, hint)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise TypeError
        return tuple(_fitted_entry(entry, choices[0]) for entry in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            raise TypeError from None
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise TypeError
    return value


def _fitted_entry(entry: Any, hint: Any) -> Any:
    try:
        return _fitted(entry, hint)
    except TypeError:
        raise TypeError(hint.__name__, entry) from None


def _require_within(number: float, item: Known, place: str) -> None:
    if isinstance(number, int) and abs(number) >= LARGEST:
        raise SettingError(f"{place} must lie within 64 bits, got {reprlib.repr(number)}")
    if not math.isfinite(number):
        raise SettingError(f"setting {place!r} must be a finite number, got {number}")
    if not item.about.admits(number):
        raise SettingError(f"{place} must {item.about.range()}, got {reprlib.repr(number)}")
