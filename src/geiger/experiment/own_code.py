"""Code of the user's own: one file, named in this very call, read once, hashed and run.

Nothing that a run left behind leads here: a record holds names and hashes, never something to run.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from geiger.errors import DataError, SettingError, did_you_mean

T = TypeVar("T")


@dataclass(frozen=True)
class Code:
    """Something out of a file.

    Attributes
    ----------
    name : str
        File and name in it, as ``gap.py:momentum_gap``, wherever the file lies.
    where : str
        Path of the file.
    digest : str
        SHA-256 of the file: of the very bytes that were run.
    value : object
        What the file calls so.
    """

    name: str
    where: str
    digest: str
    value: Any


def load_code(text: str) -> Code:
    """Run the file that ``FILE.py:name`` names, and return what it calls `name`.

    The file stands for itself: its hash says what was run, so what it imports from beside it is not found.

    Raises
    ------
    SettingError
        There is no such file or name, or the file does not run: the line says where it stops.
    """
    file, _, wanted = text.rpartition(":")
    if not file.endswith(".py") or not wanted.isidentifier():
        raise SettingError(f"{text!r}: write it as FILE.py:NAME, such as features.py:momentum_gap")
    path = Path(file).expanduser().resolve()
    content = _read(path)
    digest = hashlib.sha256(content).hexdigest()
    names = _run(path, content, digest)
    if wanted not in names:
        known = [name for name, value in names.items() if callable(value) and not name.startswith("_")]
        raise SettingError(f"{path}: has no {wanted!r}; {did_you_mean(wanted, known)}")
    return Code(f"{path.name}:{wanted}", str(path), digest, names[wanted])


def called(function: Callable[..., T], *given: Any, name: str) -> T:
    """Return what a function of the user's own answers.

    Raises
    ------
    DataError
        It raised: the line says what, and on which line of its file.
    """
    try:
        return function(*given)
    except (Exception, SystemExit) as error:
        code = getattr(function, "__code__", None)
        raise DataError(f"{name}: stopped with {_told(error, code and code.co_filename)}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror or error}); check the path") from None


def _run(path: Path, content: bytes, digest: str) -> dict[str, Any]:
    """Run a file as a module of its own name, and return its names."""
    module = ModuleType(f"geiger_own_{path.stem}_{digest[:12]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look up the module of their class there
    try:
        exec(compile(content, str(path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise SettingError(f"{path}: does not run: {_told(error, str(path))}") from error
    return vars(module)


def _told(error: BaseException, file: str | None) -> str:
    """Return what an error says, and the last line of `file` that it passed."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f" on line {lines[-1]} of {Path(file).name}" if file is not None and lines else ""
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}{f': {text}' if text else ''}{where}"
