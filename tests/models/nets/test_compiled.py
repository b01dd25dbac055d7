"""Compiled programs: kept where nobody else can write, whole or absent, and without any effect on bits."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from geiger import files
from geiger.models.nets import compiled
from geiger.models.nets.compiled import (
    LARGE,
    LOCK,
    SETTING,
    SUFFIX,
    InTurns,
    NotKept,
    Programs,
    folder,
    machine,
    programs_here,
)

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="who may write is told by modes and owners")
# A forecast of a tiny network that trained an epoch; then the programs that JAX found and those it compiled.
TRAINS = """
from collections import Counter
from geiger.models.nets.backend import jax
from helpers.networks import SMALL, arrays
events = Counter()
jax.monitoring.register_event_listener(lambda name, **_: events.update([name]))
data = arrays()
print(SMALL.fit(data.train, data.valid, seed=3).predict(data.test).tobytes().hex())
print(events["/jax/compilation_cache/cache_hits"], events["/jax/compilation_cache/cache_misses"])
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the user, and the current folder elsewhere."""
    home, project = tmp_path / "home", tmp_path / "project"
    home.mkdir(), project.mkdir()
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return home


# ---- where ----


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name other folders")
def test_it_lies_in_the_users_cache(home: Path, tmp_path: Path) -> None:
    assert folder({}) == home / ".cache/geiger/compiled"
    elsewhere = tmp_path / "elsewhere"
    assert folder({"XDG_CACHE_HOME": str(elsewhere)}) == elsewhere / "geiger/compiled"
    assert folder({"XDG_CACHE_HOME": "relative"}) == home / ".cache/geiger/compiled"
    assert folder({SETTING: str(tmp_path / "named")}) == tmp_path / "named"
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("platform", "environment", "place"),
    [
        ("darwin", {"XDG_CACHE_HOME": "/elsewhere"}, "Library/Caches"),
        ("win32", {}, "AppData/Local"),
        ("win32", {"LOCALAPPDATA": "relative"}, "AppData/Local"),
    ],
)
def test_each_system_has_its_own(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    platform: str,
    environment: Mapping[str, str],
    place: str,
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert folder(environment) == home / place / "geiger/compiled"


@POSIX
def test_it_is_the_users_alone(home: Path) -> None:
    made = folder({})
    assert [path.stat().st_mode & 0o777 for path in (made, made.parent)] == [0o700, 0o700]


@pytest.mark.parametrize("value", ["off", "a/folder"])
def test_it_is_switched_off(home: Path, value: str) -> None:
    with pytest.raises(NotKept, match=f"{SETTING}"):
        folder({SETTING: value})
    assert not list(home.iterdir())


@POSIX
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
@pytest.mark.parametrize("place", ["geiger", "geiger/compiled"])
def test_a_folder_that_others_may_write_to_is_refused(home: Path, mode: int, place: str) -> None:
    folder({})
    (home / ".cache" / place).chmod(mode)
    with pytest.raises(NotKept, match="others may write"):
        folder({})


@POSIX
def test_a_folder_above_that_all_may_write_to_is_refused(home: Path) -> None:
    (home / ".cache").mkdir()
    (home / ".cache").chmod(0o777)
    with pytest.raises(NotKept, match="all may write"):
        folder({})
    (home / ".cache").chmod(0o1777)  # sticky: each may remove only what is his
    assert folder({}).is_dir()


@POSIX
def test_a_folder_above_that_a_group_may_write_to_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless it is the user's own group, which many systems give him, or the administrator's."""
    import grp
    import pwd

    (home / ".cache").mkdir()
    (home / ".cache").chmod(0o770)
    real, changed = Path.stat, home / ".cache"

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = real(path, **options)
        return os.stat_result([*found[:5], 7, *found[6:]]) if path == changed else found

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_name="me", pw_dir=str(home.parent)))
    for name, members in (("staff", []), ("me", ["another"]), ("me", ["me", "another"])):
        group = SimpleNamespace(gr_name=name, gr_mem=members)
        monkeypatch.setattr(grp, "getgrgid", lambda _, group=group: group)
        with pytest.raises(NotKept, match="a group may write"):
            folder({})
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="me", gr_mem=["me"]))
    assert folder({}).is_dir()


@POSIX
@pytest.mark.parametrize("place", ["geiger", "geiger/compiled"])
def test_a_link_is_refused(home: Path, tmp_path: Path, place: str) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (home / ".cache" / place).parent.mkdir(parents=True, mode=0o700)
    (home / ".cache" / place).symlink_to(other)
    with pytest.raises(NotKept, match="is a link"):
        folder({})
    assert not list(other.iterdir())


@POSIX
def test_another_users_folder_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder({})
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(NotKept, match="another user"):
        folder({})


@POSIX
def test_a_folder_in_a_project_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment calls home: an unpacked project may bring native code along."""
    monkeypatch.setenv("HOME", str(Path.cwd()))
    for environment in ({}, {"XDG_CACHE_HOME": str(Path.cwd() / "cache")}):
        with pytest.raises(NotKept, match="current folder"):
            folder(environment)
    assert not list(Path().iterdir())
    named = Path.cwd() / "named"
    assert folder({SETTING: str(named)}) == named  # by the user himself, in so many words


@POSIX
def test_a_home_that_is_the_current_folder_is_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setattr(compiled, "_home", lambda: home)
    assert folder({}).is_relative_to(home)


def test_a_file_in_its_place_is_refused(home: Path) -> None:
    (home / "file").write_text("")
    with pytest.raises(NotKept, match="not a folder"):
        folder({SETTING: str(home / "file")})


def test_another_machine_has_programs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine({}, 1)
    assert here == machine({}, 1)
    assert len({here, machine({}, 2), machine({"XLA_FLAGS": "--xla_cpu_max_isa=AVX"}, 1)}) == 3
    monkeypatch.setattr(compiled, "_processor", lambda: "flags: sse")
    assert machine({}, 1) != here


def test_another_processor_is_told_by_what_it_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name and its instructions, and not what changes from one second to the next."""

    def told(text: str) -> str:
        monkeypatch.setattr(Path, "read_text", lambda *_: text)
        return compiled._processor()

    here = told("model name\t: one\nflags\t\t: sse avx\ncpu MHz\t: 1.0\n")
    assert here == told("model name\t: one\nflags\t\t: sse avx\ncpu MHz\t: 2.0\n")
    assert here != told("model name\t: one\nflags\t\t: sse\ncpu MHz\t: 1.0\n")
    assert here != told("model name\t: two\nflags\t\t: sse avx\ncpu MHz\t: 1.0\n")


def test_another_python_has_programs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine({}, 1)
    monkeypatch.setattr(sys, "version", "0")
    assert machine({}, 1) != here


@pytest.mark.parametrize("library", ["jax", "jaxlib", "keras"])
def test_another_version_has_programs_of_its_own(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    here, real = machine({}, 1), compiled.metadata.version
    monkeypatch.setattr(compiled.metadata, "version", lambda name: "0" if name == library else real(name))
    assert machine({}, 1) != here


def test_without_a_home_or_a_librarys_version_nothing_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.delenv(SETTING, raising=False)
    assert programs_here(1) is not None
    with monkeypatch.context() as patch:
        patch.setattr(compiled.metadata, "version", missing)
        assert programs_here(1) is None

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(NotKept, match="home directory"):
        folder({})
    assert programs_here(1) is None


# ---- the files ----


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    assert programs.get("one") is None
    programs.put("one", b"native")
    assert Programs(tmp_path).get("one") == b"native"
    (file,) = tmp_path.iterdir()
    assert sys.platform == "win32" or file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:-1],
        lambda b: b[:10],
        lambda b: b + b"more",
        lambda b: b[:-1] + bytes([b[-1] ^ 1]),
        lambda b: bytes(len(b)),
    ],
)
def test_a_damaged_file_counts_as_absent_and_is_replaced(tmp_path: Path, damage: object) -> None:
    programs = Programs(tmp_path)
    programs.put("one", b"native")
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    assert programs.get("one") is None
    programs.put("one", b"again")
    assert programs.get("one") == b"again"


def test_another_programs_file_counts_as_absent(tmp_path: Path) -> None:
    """Two networks may have weights of the same shapes, and would run each other's programs."""
    programs = Programs(tmp_path)
    programs.put("one", b"native")
    programs.put("two", b"other")
    (tmp_path / f"two{SUFFIX}").replace(tmp_path / f"one{SUFFIX}")
    assert programs.get("one") is None
    assert not list(tmp_path.iterdir())


def test_a_disk_that_can_only_be_read_serves_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Programs(tmp_path)
    programs.put("one", b"native")

    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "utime", refused)
    assert programs.get("one") == b"native"


@POSIX
def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir(), inside.mkdir()
    Programs(outside).put("one", b"another's")
    (inside / f"one{SUFFIX}").symlink_to(outside / f"one{SUFFIX}")
    programs = Programs(inside)
    assert programs.get("one") is None
    programs.put("one", b"own")
    assert (programs.get("one"), Programs(outside).get("one")) == (b"own", b"another's")


def test_what_was_used_longest_ago_is_forgotten(tmp_path: Path) -> None:
    old, new = tmp_path / "old machine", tmp_path / "new machine"
    old.mkdir(), new.mkdir()
    for i in range(4):
        Programs(old).put(f"{i}", bytes(100))
        os.utime(old / f"{i}{SUFFIX}", (i, i))
    (old / "something else").write_bytes(bytes(1000))
    assert Programs(old).get("0") is not None  # used now
    Programs(new, most_bytes=400).put("one", bytes(100))
    left = {file.name.partition(".")[0] for folder in (old, new) for file in folder.glob(f"*{SUFFIX}")}
    assert left == {"0", "3", "one"}
    assert (old / "something else").exists()


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    programs = Programs(tmp_path / "gone")
    programs.put("one", b"native")
    assert programs.get("one") is None


# ---- several processes ----

# Finds nothing under a key, says so, and waits for an order: to keep a program, or to die without one.
COMPILES = """
import os, sys
from pathlib import Path
from geiger.models.nets.compiled import InTurns
programs = InTurns(Path(sys.argv[1]))
assert programs.get("one") is None
print("compiling", flush=True)
if sys.stdin.readline() == "die\\n":
    os._exit(1)
programs.put("one", b"native")
"""


@contextmanager
def compiling(folder: Path) -> Iterator[Callable[[str], None]]:
    """Have a process that compiles "one"; what is given tells it how to end."""
    command = [sys.executable, "-c", COMPILES, str(folder)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "compiling\n"
        stdin = other.stdin

        def order(what: str) -> None:
            stdin.write(f"{what}\n")
            stdin.flush()

        try:
            yield order
        finally:
            other.kill()


def looked(monkeypatch: pytest.MonkeyPatch, then: Callable[[], None]) -> None:
    """Do something once, when somebody is seen to wait for a lock."""
    left = [then]

    def sleep(seconds: float) -> None:
        if left:
            left.pop()()
        sleep_on(seconds)

    sleep_on = time.sleep
    monkeypatch.setattr(files.time, "sleep", sleep)


@POSIX
@pytest.mark.parametrize(("end", "found"), [("keep", b"native"), ("die", None)])
def test_who_comes_second_waits_for_what_the_first_one_keeps(
    tmp_path: Path, end: str, found: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with compiling(tmp_path) as order:
        asked: list[str] = []
        looked(monkeypatch, lambda: (asked.append(end), order(end))[1])
        programs = InTurns(tmp_path)
        assert programs.get("one") == found
        assert asked == [end], "nobody waited"
        if found is None:
            programs.put("one", b"ours")
    assert [path.name for path in tmp_path.iterdir()] == [f"one{SUFFIX}"]  # no lock is left


@POSIX
def test_who_waited_long_enough_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "WAIT", 0.0)
    with compiling(tmp_path):
        programs = InTurns(tmp_path)
        assert programs.get("one") is None
        programs.put("one", b"ours")
        assert programs.get("one") == b"ours"


@POSIX
def test_a_program_that_was_never_kept_is_waited_for_no_longer_than_until_the_next(tmp_path: Path) -> None:
    first, second = InTurns(tmp_path), InTurns(tmp_path)
    assert first.get("one") is None
    assert first.get("two") is None  # JAX does not keep all that it compiles
    assert second.get("one") is None
    second.put("one", b"native")
    first.put("two", b"other")
    assert (first.get("one"), second.get("two")) == (b"native", b"other")
    assert not list(tmp_path.glob(f"*{LOCK}"))


def test_turns_need_no_folder_that_can_be_written(tmp_path: Path) -> None:
    programs = InTurns(tmp_path / "gone")
    assert programs.get("one") is None
    programs.put("one", b"native")
    assert programs.get("one") is None


@pytest.mark.parametrize("size", [LARGE - 1, LARGE])
def test_memory_is_given_back_after_a_large_program(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bool] = []
    monkeypatch.setattr(compiled, "_give_back", lambda: given.append(True))
    InTurns(tmp_path).put("one", bytes(size))
    assert given == [True] * (size >= LARGE)


@pytest.mark.skipif(sys.platform != "linux", reason="a call of its C library")
def test_what_was_freed_goes_back_to_the_system() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREES],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    held, left = map(int, done.stdout.split())
    assert left < held / 2


# Fills the heap with small blocks and frees all but the last; prints how many bytes are resident, then left.
FREES = """
import ctypes, os
from pathlib import Path
from geiger.models.nets.compiled import _give_back
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
start = resident()
blocks = [library.malloc(1000) for _ in range(50_000)]
for block in blocks:
    ctypes.memset(ctypes.c_void_p(block), 1, 1000)
for block in blocks[:-1]:
    library.free(block)
held = resident() - start
_give_back()
print(held, resident() - start)
"""


# ---- JAX itself ----


def trained(kept: str | Path, tmp_path: Path) -> tuple[str, int, int]:
    """Return the forecasts of a network that another process trains; programs found, and compiled."""
    environment = os.environ | {SETTING: str(kept), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAINS],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    bits, counts = done.stdout.splitlines()
    found, made = map(int, counts.split())
    return bits, found, made


@pytest.mark.slow
def test_programs_are_compiled_once_and_change_no_bit(tmp_path: Path) -> None:
    """Cold, warm, damaged and switched off: the same forecasts; warm, nothing is compiled."""
    kept, project = tmp_path / "kept", tmp_path / "project"
    project.mkdir()
    cold, found, made = trained(kept, project)
    assert (found, made) == (0, len(list(kept.glob(f"*/*{SUFFIX}"))))
    warm, found, again = trained(kept, project)
    assert (found, again) == (made, 0)
    for i, file in enumerate(sorted(kept.glob(f"*/*{SUFFIX}"))):
        content = bytearray(file.read_bytes())
        content[-1 - 7 * i % len(content)] ^= 255
        file.write_bytes(content[: len(content) - i % 3])
    damaged, found, again = trained(kept, project)
    assert (found, again) == (0, made)
    mended = [Programs(file.parent).get(file.name.removesuffix(SUFFIX)) for file in kept.glob(f"*/*{SUFFIX}")]
    assert len(mended) == made
    assert None not in mended
    off, *counts = trained("off", project)
    assert cold == warm == damaged == off
    assert counts == [0, 0]
    assert not list(project.iterdir())
