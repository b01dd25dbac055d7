"""Writes the definitions of the assistants into a project; a file that somebody changed stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from geiger.errors import DataError, SettingError
from geiger.files import write_atomically

NAMES = ("command-executor", "deep-researcher", "code-analyzer")
PLACE = Path(".claude", "agents")

State = Literal["written", "already there", "kept"]


@dataclass(frozen=True)
class Installed:
    """What became of one definition.

    Attributes
    ----------
    state : {"written", "already there", "kept"}
        Kept is a file of the same name with other contents, which was not touched.
    """

    name: str
    path: Path
    state: State


def text_of(name: str) -> str:
    """Return one definition as it is shipped."""
    return (resources.files("geiger.agents") / f"{name}.md").read_text(encoding="utf-8")


def install(project: Path, *, force: bool = False) -> list[Installed]:
    """Write the definitions to ``.claude/agents`` of a project.

    Parameters
    ----------
    force : bool
        Write over files with other contents, too.

    Raises
    ------
    SettingError
        The project is no folder, a link leads out of it, or a file cannot be read or written. All of them are
        looked at before anything is written.
    """
    if not project.is_dir():
        raise SettingError(f"{project}: is no folder; name the folder of a project")
    paths = {name: project / PLACE / f"{name}.md" for name in NAMES}
    for path in paths.values():
        _refuse_a_way_out(path, project)
    states = {name: _state(path, text_of(name).encode(), force) for name, path in paths.items()}
    try:
        for name, path in paths.items():
            if states[name] == "written":
                write_atomically(path, text_of(name).encode())
    except DataError as error:
        raise SettingError(str(error)) from None
    return [Installed(name, path, states[name]) for name, path in paths.items()]


def _refuse_a_way_out(path: Path, project: Path) -> None:
    try:
        stays = path.resolve().is_relative_to(project.resolve())
    except (OSError, RuntimeError):  # links that go round in circles
        stays = False
    if not stays:
        raise SettingError(f"{path}: a link there leads out of {project}; remove the link")


def _state(path: Path, content: bytes, force: bool) -> State:
    """Return what is to become of one definition."""
    try:
        if not path.exists():
            return "written"
        if not path.is_file():
            raise SettingError(f"{path}: is no file; move it away, nothing was written")
        if path.read_bytes() == content:
            return "already there"
        return "written" if force else "kept"
    except OSError as error:
        raise SettingError(
            f"{path}: cannot be read ({error.strerror}); check the folder, nothing was written"
        ) from None
