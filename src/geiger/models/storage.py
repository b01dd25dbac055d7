"""Models on disk: a `State` in a folder, and back, without running any code.

::

    folder/
      state.json    format number and the tree of states: kinds, facts, and which array and blob is whose
      arrays.npz    all arrays, uncompressed and without objects
      blob_0.ubj    each blob in a file of its own, in its library's own format

Whoever writes a folder keeps the hash of each file and hands the hashes back to read it. A file is hashed
before any parser sees it, so damage of any kind is found there. Somebody who can change the hashes, too, can
make `read_state` and `restore` fail, with one line, but not run anything: names lead nowhere outside the
folder, sizes are checked before memory is taken, and every value is checked for what it should be. What this
cannot promise is the inside of a library's own format, see `boosting.restore_trees`.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import reprlib
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from stat import S_ISREG
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geiger.errors import DataError
from geiger.files import write_atomically
from geiger.learning.windows import Scaler
from geiger.models.base import COMMON_FACTS, Ensemble, Predictor, restore_common
from geiger.models.catalogue import RESTORE
from geiger.models.state import MAX_FEATURES, State

FORMAT = 1
MAX_BYTES = 256 * 2**20  # of all files of a model together
MAX_JSON = 4 * 2**20  # bytes
MAX_DEPTH = 8  # of states inside states
MAX_STATES = 1_000
MAX_ARRAYS = 100_000

TREE, ARRAYS = "state.json", "arrays.npz"
OURS = re.compile(r"state\.json|arrays\.npz|blob_(0|[1-9][0-9]{0,4})\.[a-z]{1,8}")
LEFT_OVER = re.compile(rf"\.({OURS.pattern})\.[0-9]+\.tmp")  # of a write that was killed
BESIDE = {"manifest.json"}  # where the caller may keep the hashes; not read here
SHA256 = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,49}")
MEMBER = re.compile(r"array_(0|[1-9][0-9]{0,5})\.npy")
DTYPES = ("<f8", "<f4", "<i8", "<i4", "<u4")
HEADER = re.compile(  # of numpy's own file format, version 1.0, for rows of plain numbers
    rb"\x93NUMPY\x01\x00..\{'descr': '(%s)', 'fortran_order': False, 'shape': \(([0-9, ]{0,99})\), \} *\n"
    % "|".join(DTYPES).encode(),
    re.DOTALL,
)


def write_state(folder: Path, state: State) -> dict[str, str]:
    """Write a state to a folder of its own, each file atomically.

    Files of a state that stood there before are removed first. The same state gives the same bytes.

    Returns
    -------
    dict of str to str
        SHA-256 of each file, by its name: what `read_state` asks for.

    Raises
    ------
    DataError
        If the state holds what cannot be written, or the folder cannot be written or has other files in it.
    """
    arrays: dict[str, NDArray[Any]] = {}
    blobs: dict[str, bytes] = {}
    tree = {"format": FORMAT, "state": _tree(state, arrays, blobs, MAX_DEPTH)}
    try:
        text = json.dumps(tree, allow_nan=False, indent=1).encode()
    except (TypeError, ValueError) as error:
        raise _unwritable(state, f"a fact is nothing that JSON can hold ({error})") from None
    buffer = BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # no array is called like an argument of savez
    files = {TREE: text, ARRAYS: buffer.getvalue(), **blobs}
    total = sum(len(content) for content in files.values())
    small = total <= MAX_BYTES and len(text) <= MAX_JSON and len(arrays) <= MAX_ARRAYS
    if not small or _count(state) > MAX_STATES:
        raise _unwritable(state, f"{total} bytes in {len(arrays)} arrays are more than is read back")
    _clear(folder)
    for name, content in files.items():
        write_atomically(folder / name, content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def read_state(folder: Path, hashes: Mapping[str, str]) -> State:
    """Read a state back; nothing in the files is run.

    Parameters
    ----------
    folder : Path
        Where `write_state` wrote. Beside its files only ``manifest.json`` may stand there.
    hashes : mapping of str to str
        What `write_state` returned.

    Raises
    ------
    DataError
        A file is missing, changed, no plain file, too large or does not belong there; or what it holds is not
        what `write_state` writes: of a newer format, of another type, or incomplete.
    """
    contents = _contents(folder, hashes)
    where = f"{folder / TREE}:"
    document = _json(contents.pop(TREE), where)
    if not isinstance(document, dict) or type(document.get("format")) is not int:
        raise _broken(where, "is no saved model")
    if document["format"] > FORMAT:
        number = reprlib.repr(document["format"])
        raise DataError(f"{where} format {number} is newer than this version knows ({FORMAT}); update geiger")
    if document["format"] != FORMAT or set(document) != {"format", "state"}:
        raise _broken(where, "is no saved model")
    arrays = _arrays(contents.pop(ARRAYS), f"{folder / ARRAYS}:")
    state = _state(document["state"], arrays, contents, where, MAX_DEPTH)
    if left := [*arrays, *contents]:
        raise _broken(where, f"leaves {left[0]} to no part of the model")
    if _count(state) > MAX_STATES:
        raise _broken(where, f"has more than {MAX_STATES} parts")
    return state


def restore(state: State) -> Predictor:
    """Return the model behind a state, with every value checked; it forecasts as it did, to the last bit.

    The course of training, the notices and the training record are not in a state, so they are empty.

    Raises
    ------
    DataError
        If the kind is unknown, or a value is missing, of another type, out of range, or does not agree with
        the others: the line says which part of the model is wrong.
    MissingLibrary
        If the library behind the model is not installed.
    """
    return _restore(state, MAX_DEPTH)


def scaler_state(scaler: Scaler) -> State:
    """Return centres, scales and the target's units."""
    facts = {
        "features": len(scaler.center),
        "clip": float(scaler.clip),
        "target_mean": float(scaler.target_mean),
        "target_std": float(scaler.target_std),
    }
    return State("scaler", facts, {"center": scaler.center, "scale": scaler.scale})


def restore_scaler(state: State) -> Scaler:
    """Return the scaler behind a state.

    Raises
    ------
    DataError
        If a value is missing, of another type or shape, infinite, or not of a sign that it can have.
    """
    state.require(
        "scaler", facts=("features", "clip", "target_mean", "target_std"), arrays=("center", "scale")
    )
    features = state.whole("features", least=1, most=MAX_FEATURES)
    center, scale = (state.floats(name, (features,)) for name in ("center", "scale"))
    if not (scale >= 0.0).all():
        raise state.fault("scale must hold numbers of 0 or more")
    clip, mean, std = (state.number(name) for name in ("clip", "target_mean", "target_std"))
    if not (clip > 0.0 and std > 0.0):
        raise state.fault(f"clip and target_std must be above 0, got {clip:g} and {std:g}")
    return Scaler(center=center, scale=scale, clip=clip, target_mean=mean, target_std=std)


def _restore(state: State, depth: int) -> Predictor:
    if state.kind in RESTORE:
        return RESTORE[state.kind](state)
    if state.kind != "ensemble":
        known = ", ".join([*RESTORE, "ensemble"])
        raise state.fault(f"no such model; known: {known}")
    if not depth:
        raise state.fault(f"more than {MAX_DEPTH} ensembles inside each other")
    state.require("ensemble", facts=COMMON_FACTS, arrays=("fit_rows",), optional=("importances",), parts=None)
    common = restore_common(state)
    members = []
    for number, part in enumerate(state.parts):
        try:
            members.append(_restore(part, depth - 1))
        except DataError as error:
            raise DataError(f"member {number}: {error}") from None
        if part.facts["features"] != state.facts["features"]:
            raise state.fault(f"member {number} is for another number of features")
    return Ensemble(members=tuple(members), **common)


def _tree(
    state: State, arrays: dict[str, NDArray[Any]], blobs: dict[str, bytes], depth: int
) -> dict[str, Any]:
    """Return a state as JSON can hold it; its arrays and blobs join the others under names of ours."""
    if not depth:
        raise _unwritable(state, f"more than {MAX_DEPTH} states inside each other")
    for name in (state.kind, *state.arrays, *state.blobs):
        if not NAME.fullmatch(name):
            raise _unwritable(state, f"{name!r} is no name for a kind, array or blob")
    named: dict[str, str] = {}
    for name, array in state.arrays.items():
        plain = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
        if plain.dtype.str not in DTYPES:
            raise _unwritable(state, f"array {name} is {array.dtype}; only plain numbers can be written")
        named[name] = f"array_{len(arrays)}"
        arrays[named[name]] = plain
    stored: dict[str, str] = {}
    for ending, content in state.blobs.items():
        stored[ending] = f"blob_{len(blobs)}.{ending}"
        if not OURS.fullmatch(stored[ending]):
            raise _unwritable(state, f"{ending!r} is no ending of a file")
        blobs[stored[ending]] = content
    parts = [_tree(part, arrays, blobs, depth - 1) for part in state.parts]
    return {
        "kind": state.kind,
        "facts": dict(state.facts),
        "arrays": named,
        "blobs": stored,
        "parts": parts,
    }


def _state(
    tree: Any, arrays: dict[str, NDArray[Any]], blobs: dict[str, bytes], where: str, depth: int
) -> State:
    """Return a state from its tree, taking its arrays and blobs out of those that are left."""
    if not depth:
        raise _broken(where, f"has more than {MAX_DEPTH} parts inside each other")
    types = {"kind": str, "facts": dict, "arrays": dict, "blobs": dict, "parts": list}
    if not isinstance(tree, dict) or set(tree) != set(types):
        raise _broken(where, f"has a part without exactly {', '.join(types)}")
    for name, kind in types.items():
        if not isinstance(tree[name], kind):
            raise _broken(where, f"has {reprlib.repr(tree[name])} for {name}")
    for name in (tree["kind"], *tree["arrays"], *tree["blobs"]):
        if not NAME.fullmatch(name):
            raise _broken(where, f"has {reprlib.repr(name)} for a name")
    return State(
        tree["kind"],
        tree["facts"],
        {name: _taken(arrays, key, where) for name, key in tree["arrays"].items()},
        {name: _taken(blobs, key, where) for name, key in tree["blobs"].items()},
        tuple(_state(part, arrays, blobs, where, depth - 1) for part in tree["parts"]),
    )


def _count(state: State) -> int:
    return 1 + sum(_count(part) for part in state.parts)


def _taken(left: dict[str, Any], key: Any, where: str) -> Any:
    if not isinstance(key, str) or key not in left:
        raise _broken(where, f"points to {reprlib.repr(key)}, which is not there or is another's")
    return left.pop(key)


def _json(content: bytes, where: str) -> Any:
    if len(content) > MAX_JSON:
        raise _broken(where, f"has {len(content)} bytes, more than a tree of states can")
    try:
        return json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):  # no UTF-8, no JSON, a number of 5000 digits; too deep
        raise _broken(where, "is no JSON") from None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _arrays(content: bytes, where: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file; sizes are checked first, for NumPy allocates what a header says."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = archive.infolist()
            if len({member.filename for member in members}) != len(members) or len(members) > MAX_ARRAYS:
                raise _broken(where, "names an array twice, or too many of them")
            if sum(member.file_size for member in members) > len(content):
                raise _broken(where, "says it holds more than it has")
            found = {}
            for member in members:
                if member.compress_type != zipfile.ZIP_STORED or not MEMBER.fullmatch(member.filename):
                    raise _broken(where, f"holds {reprlib.repr(member.filename)}, which is no plain array")
                found[member.filename.removesuffix(".npy")] = _array(archive.read(member), where)
            return found
    except DataError:
        raise
    except Exception:  # zipfile answers damage with a dozen types
        raise _broken(where, "cannot be read") from None


def _array(content: bytes, where: str) -> NDArray[Any]:
    header = HEADER.match(content)
    if header is None:
        raise _broken(where, "holds an array that is not of plain numbers")
    shape = [int(size) for size in header[2].replace(b" ", b"").split(b",") if size]
    if math.prod(shape) * np.dtype(header[1].decode()).itemsize != len(content) - header.end():
        raise _broken(where, "holds an array of another size than it says")
    array: NDArray[Any] = np.load(BytesIO(content), allow_pickle=False)
    return array


def _contents(folder: Path, hashes: Mapping[str, str]) -> dict[str, bytes]:
    """Return the bytes of exactly these files, once their hashes are found to agree."""
    if not isinstance(hashes, Mapping) or not {TREE, ARRAYS} <= set(hashes):
        raise _broken(f"{folder}:", f"has no hashes for {TREE} and {ARRAYS}")
    for name, known in hashes.items():
        if not isinstance(name, str) or not OURS.fullmatch(name):
            raise _broken(f"{folder}:", f"has {reprlib.repr(name)} for a file name")
        if not isinstance(known, str) or not SHA256.fullmatch(known):
            raise _broken(f"{folder}:", f"has {reprlib.repr(known)} for the hash of {name}")
    present = _listed(folder)
    for name in sorted(set(hashes) - set(present)):
        raise _broken(f"{folder / name}:", "is missing")
    for name in sorted(set(present) - set(hashes) - BESIDE):
        raise _broken(f"{folder}:", f"has {reprlib.repr(name)}, which is no part of the model")
    contents: dict[str, bytes] = {}
    room = MAX_BYTES
    for name, known in hashes.items():
        where = f"{folder / name}:"
        contents[name] = _read(folder / name, room, where)
        room -= len(contents[name])
        if hashlib.sha256(contents[name]).hexdigest() != known:
            raise _broken(where, "was changed after it was written")
    return contents


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError as error:
        raise DataError(
            f"{folder}: no saved model there ({error.strerror or error}); save it again"
        ) from None


def _read(path: Path, room: int, where: str) -> bytes:
    """Return the content of a plain file of at most `room` bytes.

    A link is not followed, and a pipe is not waited for.
    """

    def opened(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))

    try:
        if path.is_symlink():  # where a system has no O_NOFOLLOW
            raise _broken(where, "is a link")
        with open(path, "rb", opener=opened) as file:
            status = os.fstat(file.fileno())
            if not S_ISREG(status.st_mode):
                raise _broken(where, "is no plain file")
            if status.st_size > room:
                raise _broken(where, f"has {status.st_size} bytes, more than a model may")
            return file.read(status.st_size + 1)
    except OSError as error:
        raise _broken(where, f"cannot be read ({error.strerror or error})") from None


def _clear(folder: Path) -> None:
    """Remove what an earlier state left; refuse a folder that holds anything else."""
    if not os.path.lexists(folder):
        return
    names = _listed(folder)
    for name in names:
        if not (OURS.fullmatch(name) or LEFT_OVER.fullmatch(name) or name in BESIDE):
            raise DataError(f"{folder}: has {name!r}, which is no part of a model; name a folder of its own")
    for name in names:
        if name not in BESIDE:
            with suppress(OSError):
                (folder / name).unlink()


def _unwritable(state: State, what: str) -> DataError:
    return DataError(f"this {state.kind} cannot be saved: {what}")


def _broken(where: str, what: str) -> DataError:
    return DataError(f"{where} {what}; save the model again, or fetch it again from where it came")
