"""Whether JSON fits a type of ours: the one place that says so.

`parsed` reads a text, `fitted` makes a frozen record of what it says, `plain` goes back. Fields that a newer
version added are passed over; one that is missing takes its default where it has one; one that does not fit
is named, as ``results.figures[0].value``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")

LARGEST = 2**63  # of whole numbers: what no column and no counter can hold is no number of ours
_NOT_FINITE = ("nan", "inf", "-inf")  # numbers that JSON has no word for, as `plain` writes them on demand


class Misfit(ValueError):
    """A text that is no JSON, or JSON that does not fit a type; the message names the field."""


def parsed(text: str | bytes) -> Any:
    """Return what a JSON text says; ``NaN`` and ``Infinity`` are numbers, as Python writes them.

    Raises
    ------
    Misfit
        It is no JSON, is nested too deeply, or holds a whole number that nothing of ours can hold.
    """
    try:
        return json.loads(text, parse_int=_whole)
    except Misfit:
        raise
    except RecursionError:
        raise Misfit("nested too deeply") from None
    except ValueError:  # UnicodeDecodeError is one
        raise Misfit("damaged, no JSON") from None


def fitted(value: Any, kind: type[T]) -> T:
    """Return a JSON value as a record of ours, its fields checked.

    Parameters
    ----------
    value : JSON value
        As `parsed` returns it.
    kind : type
        A dataclass, or what its fields may be: a tuple of one, a number, a text, an enumeration.

    Raises
    ------
    Misfit
        A field is missing or of the wrong type.

    >>> from geiger.records import Notice
    >>> fitted({"code": "X", "text": "why", "added later": 1}, Notice)
    Notice(code='X', text='why')
    >>> fitted([{"code": "X", "text": 3}], tuple[Notice, ...])
    Traceback (most recent call last):
    geiger.codec.Misfit: [0].text: expected `str`, got `int`
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Misfit(_in_words(str(error))) from None
    except RecursionError:
        raise Misfit("nested too deeply") from None


def fitted_texts(value: Any, kind: type[T]) -> T:
    """Return the same as `fitted`, where ``nan``, ``inf`` and ``-inf`` as texts may stand for numbers.

    >>> from geiger.records import Figure
    >>> fitted_texts({"name": "nan", "value": "nan", "unit": "ratio"}, Figure).value
    nan
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:  # rare, so that everything else is looked at only once
        return fitted(_with_numbers(value, kind), kind)


def straight(kind: type[T]) -> Callable[[str | bytes], T | None]:
    """Return what makes a record of a JSON text at once; None where only `parsed` and `fitted_texts` know.

    >>> from geiger.records import Notice
    >>> straight(Notice)('{"code": "X", "text": "why"}'), straight(Notice)('{"code": "X", "text": NaN}')
    (Notice(code='X', text='why'), None)
    """
    decode = msgspec.json.Decoder(kind).decode

    def record(text: str | bytes) -> T | None:
        try:
            return decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError):  # ValueError: half a surrogate pair
            return None

    return record


def compact(value: Any) -> bytes:
    """Return a record whose numbers are finite, or a JSON value, as the shortest JSON text: one line.

    >>> from geiger.records import Notice
    >>> compact((Notice("X", "why"), 0.1, None))
    b'[{"code":"X","text":"why"},0.1,null]'
    """
    return msgspec.json.encode(value)


def plain(value: Any, *, texts: bool = False) -> Any:
    """Return a record as JSON can hold it.

    Parameters
    ----------
    texts : bool
        Write numbers that are not finite as texts, which every reader of JSON takes.

    >>> from geiger.records import Status, Year
    >>> plain((Status.FAILED, {"a": float("inf")}), texts=True)
    ['FAILED', {'a': 'inf'}]
    """
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return str(float(value)) if texts and not math.isfinite(value) else float(value)
    if isinstance(value, Mapping):
        return {name: plain(item, texts=texts) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item, texts=texts) for item in value]
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name), texts=texts) for f in fields(value)}
    return plain(value.item(), texts=texts)  # a number of numpy's


def _whole(digits: str) -> int:
    if len(digits) > len(str(LARGEST)) + 1:
        raise Misfit(f"a number of {len(digits)} digits")
    number = int(digits)
    if abs(number) >= LARGEST:
        raise Misfit(f"{digits} is larger than any number of ours")
    return number


def _in_words(text: str) -> str:
    """Return msgspec's message with the field first: ``X - at `$.a.b``` becomes ``a.b: x``."""
    what, _, where = text.partition(" - at `$")
    field = where.removesuffix("`").removeprefix(".")
    said = what[:1].lower() + what[1:]
    return f"{field}: {said}" if field else said


def _with_numbers(value: Any, kind: Any) -> Any:
    """Return a JSON value with texts turned into numbers, in those places where `kind` has a number."""
    if isinstance(value, str):
        return float(value) if value in _NOT_FINITE and float in (kind, *get_args(kind)) else value
    if get_origin(kind) in (Union, UnionType):
        kind = next(one for one in get_args(kind) if one is not type(None))
    if isinstance(value, Mapping) and isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return {name: _with_numbers(item, hints.get(name)) for name, item in value.items()}
    if isinstance(value, list) and get_origin(kind) is tuple:
        inner = get_args(kind)
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return [_with_numbers(item, one) for item, one in zip(value, kinds, strict=True)]
    return value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)
