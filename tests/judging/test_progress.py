"""Where a bar is shown: in a notebook, on a terminal that asks, and nowhere else."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from geiger.judging.progress import place_for, progress_bar


def in_ipython(monkeypatch: pytest.MonkeyPatch, kind: str) -> list[str]:
    """Make it seem that the code runs there; return what is shown, newest last."""
    shown: list[str] = []
    module, display = ModuleType("IPython"), ModuleType("IPython.display")
    module.get_ipython = lambda: type(kind, (), {})()  # type: ignore[attr-defined]
    display.HTML = str  # type: ignore[attr-defined]

    def show(html: str, display_id: bool) -> Any:
        shown.append(html)
        return SimpleNamespace(update=shown.append)

    display.display = show  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return shown


def on(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)


@pytest.mark.parametrize(
    ("shell", "terminal", "wanted", "place"),
    [
        (None, True, None, None),
        (None, True, True, "terminal"),
        (None, False, True, None),
        ("TerminalInteractiveShell", True, None, "terminal"),
        ("TerminalInteractiveShell", False, True, None),
        ("TerminalInteractiveShell", True, False, None),
        ("ZMQInteractiveShell", False, None, "notebook"),
        ("ZMQInteractiveShell", False, True, "notebook"),
        ("ZMQInteractiveShell", False, False, None),
    ],
)
def test_where_a_bar_is_shown(
    shell: str | None, terminal: bool, wanted: bool | None, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shell is None:
        monkeypatch.delitem(sys.modules, "IPython", raising=False)
    else:
        in_ipython(monkeypatch, shell)
    on(monkeypatch, terminal)
    assert place_for(wanted) == place


def test_a_notebook_sees_the_steps_and_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = in_ipython(monkeypatch, "ZMQInteractiveShell")
    with progress_bar("AAPL <b>", 2, None) as bar:
        bar.step("fold 0")
        bar.more(3)
        bar.step("<script>")
    assert 'value="0" max="2"' in shown[0]
    assert "1 of 2" in shown[1]
    assert 'max="5"' in shown[2]
    assert "2 of 5" in shown[3]
    assert shown[-1] == ""
    assert not any("<script>" in one or "<b>" in one for one in shown)


def test_a_failure_takes_the_bar_away(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = in_ipython(monkeypatch, "ZMQInteractiveShell")
    with pytest.raises(ZeroDivisionError), progress_bar("AAPL", 2, None):
        raise ZeroDivisionError
    assert shown[-1] == ""


def test_a_pipe_sees_nothing(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    on(monkeypatch, False)
    with progress_bar("AAPL", 2, True) as bar:
        bar.step("fold 0")
        bar.more(1)
    assert capfd.readouterr() == ("", "")


def test_a_terminal_sees_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    on(monkeypatch, True)
    with progress_bar("AAPL ridge", 2, True) as bar:
        bar.step("fold 0")
        bar.more(1)
    assert "AAPL ridge" in capsys.readouterr().err
