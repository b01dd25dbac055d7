"""Compiled programs of networks, kept between runs in a private folder of the user.

Compiling takes as long as a short training. What is kept is native code, so it is trusted only where nobody
else can have put it: see `folder`. It changes no bit of a forecast, and nothing here ends a run: without the
folder, or with a damaged file in it, programs are compiled again.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import stat
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from geiger.files import free, locked

SETTING = "GEIGER_COMPILE_CACHE"  # off, or the full path of another folder
MOST_BYTES = 128 * 2**20  # kept, of all machines; what was used longest ago goes first
LOOKED_AFTER = 50  # programs written by one process between two looks at how much is kept
SUFFIX = ".program"
LOCK = ".program-lock"
LARGE = 100_000  # bytes of a program whose compiler has used a hundred MB or more
WAIT = 120.0  # seconds for another process to compile; then it is done here as well
DIGEST = 32  # bytes at the head of a file: SHA-256 of its key and the rest
# What /proc/cpuinfo tells that native code may depend on.
PROCESSOR = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features", "isa")
ARM = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part")


class NotKept(Exception):
    """Compiled programs are not kept; the text says why, in one sentence."""


def folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of compiled programs, made if it is not there, where nobody else can have written.

    It and the folder above it must be real folders, no links, of this user, that no other may write to.
    Unless it is named by the setting, it does not lie in the current folder (the user's home may): a project
    that was unpacked there could bring native code along.

    Raises
    ------
    NotKept
        It is switched off, or the folder is not such a one.
    """
    given = environment.get(SETTING, "")
    if given == "off":
        raise NotKept(f"{SETTING} is off")
    if given and not Path(given).is_absolute():
        raise NotKept(f"{SETTING} must be off or a full path, got {given!r}")
    try:
        own = (
            [Path(given)] if given else [(base := _caches(environment)) / "geiger", base / "geiger/compiled"]
        )
        above = own[0].parent.resolve()
        own = [above / path.relative_to(own[0].parent) for path in own]
        if not given:
            _require_no_project(own[0])
        above.mkdir(parents=True, exist_ok=True)
        for path in (above, *above.parents):
            _require_trusted(path)
        for path in own:
            _make_private(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home
        reason = getattr(error, "strerror", None) or error
        raise NotKept(f"their folder cannot be made ({reason})") from None
    return own[-1]


def _caches(environment: Mapping[str, str]) -> Path:
    """Return the user's folder of things that can be made again, as the system names it."""
    if sys.platform == "win32":
        local = environment.get("LOCALAPPDATA", "")
        return Path(local) if Path(local).is_absolute() else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    given = environment.get("XDG_CACHE_HOME", "")  # a relative one counts as none, says its specification
    return Path(given) if Path(given).is_absolute() else Path.home() / ".cache"


def _make_private(path: Path) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotKept(f"{path} is a link or a file, not a folder")
    if sys.platform == "win32":
        return
    if found.st_uid != os.getuid():
        raise NotKept(f"{path} belongs to another user")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotKept(f"others may write to {path}; chmod go-w it")


def _require_trusted(path: Path) -> None:
    """Refuse a folder in which others could exchange ours: theirs, or writable by them and not sticky."""
    if sys.platform == "win32":
        return
    found = path.stat()
    if found.st_uid not in (0, os.getuid()):
        raise NotKept(f"{path} belongs to another user")
    if found.st_mode & stat.S_ISVTX:
        return
    if found.st_mode & stat.S_IWOTH:
        raise NotKept(f"all may write to {path}; chmod o-w it")
    if found.st_mode & stat.S_IWGRP and not _own_group(found.st_gid):
        raise NotKept(f"a group may write to {path}; chmod g-w it")


def _own_group(group: int) -> bool:
    """Whether a group is the administrator's, or the user's alone, as many systems give each user one."""
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(group)
    except KeyError:  # a container may run as a user without an account
        return group in (0, os.getuid())
    return group == 0 or (found.gr_name == user and {*found.gr_mem} <= {user})


def _require_no_project(path: Path) -> None:
    here = Path.cwd().resolve()
    if path.is_relative_to(here) and not _home().is_relative_to(here):
        raise NotKept(
            f"{path} lies in the current folder, whose files may be another's; "
            f"set {SETTING} to a folder elsewhere"
        )


def _home() -> Path:
    """Return the home that the system knows, whatever the environment says; that one where it knows none."""
    if sys.platform == "win32":
        return Path.home().resolve()
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    except KeyError:  # a container may run as a user without an account
        return Path.home().resolve()


def machine(environment: Mapping[str, str], threads: int) -> str:
    """Return all that native code may depend on: versions, system, processor, flags and threads.

    A home on a network disk is shared by machines whose processors do not know each other's instructions.
    """
    versions = [f"{name} {metadata.version(name)}" for name in ("jax", "jaxlib", "keras")]
    flags = f"XLA_FLAGS {environment.get('XLA_FLAGS', '').split()}"
    system = f"{platform.system()} {platform.machine()}"
    return "\n".join([sys.version, system, *versions, flags, f"threads {threads}", _processor()])


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # another system: LLVM, which compiles, knows what this processor can do
        from llvmlite import binding

        return f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"
    known = {line for line in lines if line.partition(":")[0].strip() in PROCESSOR + ARM}
    return "\n".join(sorted(known))


@dataclass
class Programs:
    """The files of one folder, as JAX reads and writes them; a file that is not whole counts as absent."""

    folder: Path
    most_bytes: int = MOST_BYTES
    written: int = field(default=0, init=False)

    def get(self, key: str) -> bytes | None:
        """Return what is kept under `key`; None where nothing is."""
        path = self._path(key)
        try:
            # A link could lead out of the folder.
            with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
                content = file.read()
            digest, program = content[:DIGEST], content[DIGEST:]
            if _digest(key, program) != digest:
                path.unlink()
                return None
        except OSError:
            return None
        with suppress(OSError):  # a disk that can only be read
            os.utime(path)  # so that it counts as used
        return program

    def put(self, key: str, program: bytes) -> None:
        """Keep `program` under `key`: the file is whole or absent, whoever else writes it."""
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(_digest(key, program) + program)
            os.replace(temporary, path)
        except OSError:  # a full disk, or a folder that went: compiled again another time
            with suppress(OSError):
                temporary.unlink()
        if self.written % LOOKED_AFTER == 0:
            self._forget()
        self.written += 1

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _forget(self) -> None:
        """Remove what was used longest ago, of all machines, beyond the size that may be kept."""
        found = []
        for path in self.folder.parent.glob(f"*/*{SUFFIX}*"):
            with suppress(OSError):  # another process may have removed it
                file = path.lstat()
                found.append((file.st_mtime_ns, file.st_size, path))
        left = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if left <= self.most_bytes:
                return
            with suppress(OSError):
                path.unlink()
            left -= size


class InTurns(Programs):
    """The same for processes that need the same programs at once: one compiles, the others wait and load.

    Compiling is the largest use of memory in a training, and as long as a short one. Whoever finds nothing
    under a key holds its lock until it puts a program there, asks for another one, or ends.
    """

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        super().__init__(folder, most_bytes)
        self._mine = threading.local()  # a thread compiles one program at a time

    def get(self, key: str) -> bytes | None:
        """Return what is kept under `key`, once another has compiled it; None where it is our turn."""
        self._leave()
        program = super().get(key)
        if program is None and self._enter(key):
            program = super().get(key)
            if program is not None:
                self._leave()
        return program

    def put(self, key: str, program: bytes) -> None:
        """Keep `program` under `key`, and let others have it."""
        super().put(key, program)
        self._leave()
        if len(program) >= LARGE:
            _give_back()

    def _enter(self, key: str) -> bool:
        """Hold the lock of a key; return whether another may have put its program there meanwhile."""
        path = self._path(key).with_suffix(LOCK)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        except OSError:  # a disk that can only be read: all compile
            return False
        self._mine.lock = (handle, path)
        return locked(handle, time.monotonic() + WAIT)

    def _leave(self) -> None:
        held = getattr(self._mine, "lock", None)
        if held is None:
            return
        self._mine.lock = None
        handle, path = held
        # Whoever waits has the same file; whoever comes later finds the program, or compiles it once more.
        with suppress(OSError):
            path.unlink()
        free(handle)
        os.close(handle)


def _give_back() -> None:
    """Give the system what compiling has used and freed: else the C library of Linux keeps it to the end."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)


def _digest(key: str, program: bytes) -> bytes:
    """Return what a whole file under its own name starts with: another's program would run, and be wrong."""
    return hashlib.sha256(key.encode() + b"\0" + program).digest()


def programs_here(threads: int) -> Programs | None:
    """Return the programs that this machine keeps for so many threads; None where none can be kept."""
    try:
        place = folder(os.environ) / hashlib.sha256(machine(os.environ, threads).encode()).hexdigest()[:16]
        _make_private(place)
    except (NotKept, OSError, ImportError):  # a library that is missing, or installed without its version
        return None
    return Programs(place)


def keep_programs(jax: Any, threads: int) -> None:
    """Let JAX keep what it compiles, on so many threads; one that the user set up already stays as it is."""
    if jax.config.jax_compilation_cache_dir is not None or (here := programs_here(threads)) is None:
        return
    from jax._src import compilation_cache

    # JAX's own files may be torn by a kill or a second writer, are then neither mended nor replaced, and grow
    # without bound; all else of its cache is used as it is.
    vars(compilation_cache)["get_file_cache"] = lambda path: (InTurns(Path(path)), path)
    jax.config.update("jax_compilation_cache_dir", str(here.folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")  # files of their own, of a GPU
