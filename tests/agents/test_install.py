from __future__ import annotations

import json
from pathlib import Path

import pytest

from geiger.agents import NAMES, install, text_of
from geiger.errors import SettingError
from helpers.commands import call


def states(project: Path, *, force: bool = False) -> list[str]:
    return [one.state for one in install(project, force=force)]


def test_install_writes_once(tmp_path: Path) -> None:
    assert states(tmp_path) == ["written"] * 3
    for name in NAMES:
        written = (tmp_path / ".claude" / "agents" / f"{name}.md").read_text(encoding="utf-8")
        assert written == text_of(name)
    assert states(tmp_path) == ["already there"] * 3
    assert len(list((tmp_path / ".claude" / "agents").iterdir())) == 3


def test_install_keeps_what_somebody_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(tmp_path)
    mine = tmp_path / ".claude" / "agents" / "code-analyzer.md"
    mine.write_text("mine", encoding="utf-8")
    assert call(f"geiger agents install {tmp_path}") == 1
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "--force" in line] == [line for line in said if "code-analyzer" in line]
    assert mine.read_text(encoding="utf-8") == "mine"
    assert call(f"geiger agents install {tmp_path} --json") == 1
    assert [one["state"] for one in json.loads(capsys.readouterr().out)][-1] == "kept"
    assert states(tmp_path, force=True) == ["already there", "already there", "written"]
    assert call(f"geiger agents install {tmp_path}") == 0


@pytest.mark.parametrize("link", [".claude", ".claude/agents", ".claude/agents/code-analyzer.md"])
def test_install_refuses_links_that_lead_out(tmp_path: Path, link: str) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    (project / link).parent.mkdir(parents=True)
    outside.mkdir()
    (project / link).symlink_to(outside / "new.md" if link.endswith(".md") else outside)
    for force in (False, True):
        with pytest.raises(SettingError, match="leads out"):
            install(project, force=force)
    assert list(outside.iterdir()) == []


def test_install_follows_links_within_the_project(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".claude").symlink_to(tmp_path / "elsewhere")
    assert states(tmp_path) == ["written"] * 3
    assert (tmp_path / "elsewhere" / "agents").is_dir()


def test_install_refuses_what_is_no_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loop = tmp_path / ".claude"
    loop.symlink_to(loop)
    with pytest.raises(SettingError, match="leads out"):
        install(tmp_path)
    assert call(f"geiger agents install {tmp_path / 'nowhere'}") == 1
    assert capsys.readouterr().err.startswith("geiger: ")
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SettingError, match="no folder"):
        install(tmp_path / "file")


@pytest.mark.parametrize("force", [False, True])
def test_install_writes_all_or_nothing(
    tmp_path: Path, force: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / ".claude" / "agents"
    (folder / "code-analyzer.md").mkdir(parents=True)  # the last of the three
    assert call(f"geiger agents install {tmp_path}" + " --force" * force) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("geiger: ")
    assert "is no file" in line
    assert [path.name for path in folder.iterdir()] == ["code-analyzer.md"]


def test_install_reads_all_before_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ".claude" / "agents"
    folder.mkdir(parents=True)
    (folder / "code-analyzer.md").write_text("mine", encoding="utf-8")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(SettingError, match="nothing was written"):
        install(tmp_path)
    assert [path.name for path in folder.iterdir()] == ["code-analyzer.md"]
