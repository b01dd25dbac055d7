"""Saved models: they forecast as before to the last bit, and what is not as it was written is refused."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from geiger.errors import DataError, SettingError
from geiger.learning.windows import Scaler
from geiger.models import FORECASTERS, Predictor, fit_members, make, wrap
from geiger.models.base import State, average
from geiger.models.nets.forecaster import NetPredictor
from geiger.models.storage import read_state, restore, restore_scaler, scaler_state, write_state
from helpers.saved_models import CASES, changed, data, fitted, refusal, rewrite, with_tree

SLOW = ("lstm windows", "xlstm screened", "xlstm windows")  # each compiles a network of its own


HOSTILE = [
    *(None, True, False, 0, -1, 1, 7, 2**31, 10**18, 10**400, -(10**400), 0.5, -0.0, 1e308, 1e-320),
    *(
        "",
        "x",
        "../x",
        "\n",
        "é" * 300,
        "array_0",
        "lstm",
        "linear",
        [],
        [1],
        [[]],
        {},
        {"a": 1},
        [10**9] * 3,
    ),
]


@functools.cache
def ensemble() -> Predictor:
    return average([fitted("ridge"), fitted("lstm screened"), fitted("xgb")])


def there_and_back(folder: Path, predictor: Predictor) -> Predictor:
    return restore(read_state(folder, write_state(folder, predictor.state())))


def refused_or_restored(folder: Path, hashes: dict) -> None:
    """Read and restore: another number of trees, or another intercept, is a model, too; no more may come."""
    try:
        again = restore(read_state(folder, hashes))
    except DataError:
        refusal(folder, hashes)
    else:
        assert isinstance(again, Predictor)


def same_forecasts(one: Predictor, other: Predictor) -> None:
    test = data().test
    for block in (test, test.take(test.rows[7:8])):
        assert one.predict(block).tobytes() == other.predict(block).tobytes()
    assert np.array_equal(one.fit_rows, other.fit_rows)
    assert one.rounds == other.rounds
    assert one.importance_kind == other.importance_kind
    assert (one.importances is None) == (other.importances is None)
    if one.importances is not None:
        assert one.importances.tobytes() == other.importances.tobytes()


def test_every_model_of_the_catalogue_is_tried() -> None:
    assert {name for name, _ in CASES.values()} == set(FORECASTERS)


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[pytest.mark.slow] * (case in SLOW)) for case in CASES]
)
def test_a_model_comes_back_to_the_last_bit(tmp_path: Path, case: str) -> None:
    predictor = fitted(case)
    again = there_and_back(tmp_path / "new" / "folder", predictor)
    same_forecasts(predictor, again)
    assert type(again) is type(predictor)
    same_forecasts(predictor, there_and_back(tmp_path / "twice", again))
    if isinstance(predictor, NetPredictor):
        assert again.network == predictor.network
        assert (predictor.offset is not None) is ("ridge" in case or "screened" in case)
        if "screened" in case:
            assert predictor.offset.terms
            assert again.offset.terms == predictor.offset.terms


@pytest.mark.parametrize(
    "name", ["ridge", "xgb", "lgb", "catboost", "lstm", pytest.param("xlstm", marks=pytest.mark.slow)]
)
def test_an_ensemble_comes_back_with_its_members(tmp_path: Path, name: str) -> None:
    members = fit_members(make(*CASES[name]), data().train, data().valid, seeds=[3, 8])
    again = there_and_back(tmp_path, members)
    same_forecasts(members, again)
    assert again.rounds_by_member == members.rounds_by_member
    assert again.each(data().test).tobytes() == members.each(data().test).tobytes()


def test_members_of_different_kinds_come_back(tmp_path: Path) -> None:
    same_forecasts(ensemble(), there_and_back(tmp_path, ensemble()))


@pytest.mark.slow
def test_a_fresh_process_reads_a_network_and_loads_keras_only_for_it(tmp_path: Path) -> None:
    case = "lstm screened"
    hashes = [
        write_state(tmp_path / name, predictor.state())
        for name, predictor in (("ridge", fitted("ridge")), ("net", fitted(case)))
    ]
    test = data().test
    np.savez(tmp_path / "rows.npz", x=test.history.x, rows=test.rows, zero=test.zero, std=test.target_std)
    code = f"""
import sys
import numpy as np
from pathlib import Path
from geiger.models.storage import read_state, restore
from geiger.learning.windows import Block, History
folder = Path({str(tmp_path)!r})
ridge, net = (read_state(folder / name, known) for name, known in zip(("ridge", "net"), {hashes!r}))
given = np.load(folder / "rows.npz")
rows, past = given["rows"], History(given["x"], 0)
block = Block(past.x[rows], np.full(len(rows), np.nan), np.ones(len(rows)), rows, zero=float(given["zero"]),
              target_std=float(given["std"]), history=past)
found = [restore(ridge).predict(block)]
assert not {{"keras", "jax", "xgboost", "lightgbm", "catboost"}} & set(sys.modules)
found.append(restore(net).predict(block))
np.save(folder / "found.npy", np.array(found))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    expected = np.array([fitted("ridge").predict(test), fitted(case).predict(test)])
    assert np.load(tmp_path / "found.npy").tobytes() == expected.tobytes()


def test_the_same_state_gives_the_same_bytes_and_replaces_what_was_there(tmp_path: Path) -> None:
    first = write_state(tmp_path / "a", ensemble().state())
    assert first == write_state(tmp_path / "b", ensemble().state())
    assert set(first) == {"state.json", "arrays.npz", "blob_0.ubj"}
    (tmp_path / "a" / ".arrays.npz.123.tmp").write_bytes(b"of a killed write")
    (tmp_path / "a" / "manifest.json").write_text("the caller's")
    second = write_state(tmp_path / "a", fitted("ridge").state())
    assert {path.name for path in (tmp_path / "a").iterdir()} == {*second, "manifest.json"}
    same_forecasts(restore(read_state(tmp_path / "a", second)), fitted("ridge"))


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match=r"has 'thesis.txt', which is no part of a model"):
        write_state(tmp_path, fitted("ridge").state())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_users_own_estimator_cannot_be_saved() -> None:
    class Mine:
        def fit(self, x, y):
            self.mean = y.mean()

        def predict(self, x):
            return np.full(len(x), self.mean)

    own = wrap(Mine()).fit(data().train, data().valid, seed=0)
    with pytest.raises(SettingError, match=r"a Mine cannot be saved: .* only pickle"):
        own.state()
    with pytest.raises(SettingError, match="a Mine cannot be saved"):
        average([fitted("ridge"), own]).state()

    class Other(Predictor):
        def predict(self, block):
            return block.x[:, 0]

    with pytest.raises(SettingError, match="a Other cannot be saved"):
        Other(fit_rows=np.arange(3)).state()


FINITE = st.floats(-1e300, 1e300)


@given(
    st.lists(st.tuples(FINITE, st.floats(0.0, 1e300)), min_size=1, max_size=5),
    st.floats(5e-324, 1e300),
    FINITE,
    st.floats(5e-324, 1e300),
)
def test_a_scaler_comes_back_to_the_last_bit(tmp_path_factory, columns, clip, mean, std) -> None:
    center, scale = np.array(columns).T
    folder = tmp_path_factory.mktemp("scaler")
    state = scaler_state(Scaler(center, scale, clip, mean, std))
    again = restore_scaler(read_state(folder, write_state(folder, state)))
    assert again.center.tobytes() == center.tobytes()
    assert again.scale.tobytes() == scale.tobytes()
    for value, kept in ((clip, again.clip), (mean, again.target_mean), (std, again.target_std)):
        assert (kept, math.copysign(1.0, kept)) == (value, math.copysign(1.0, value))


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("clip", 0.0),
        ("clip", None),
        ("target_std", -1.0),
        ("target_mean", "0"),
        ("features", 7),
        ("features", 6.0),
    ],
)
def test_a_scaler_with_a_wrong_fact_is_refused(fact: str, value: object) -> None:
    state = scaler_state(data().scaler)
    with pytest.raises(DataError, match="saved scaler: "):
        restore_scaler(dataclasses.replace(state, facts={**state.facts, fact: value}))


def test_a_scaler_with_a_wrong_array_is_refused() -> None:
    state = scaler_state(data().scaler)
    for bad in (np.full(6, np.nan), -np.ones(6), np.ones(5), np.ones((6, 1)), np.ones(6, np.float32)):
        with pytest.raises(DataError, match="saved scaler: scale "):
            restore_scaler(dataclasses.replace(state, arrays={**state.arrays, "scale": bad}))
    with pytest.raises(DataError, match="saved linear: a scaler expected"):
        restore_scaler(fitted("ridge").state())
    with pytest.raises(DataError, match="saved scaler: no such model; known: linear, xgb"):
        restore(state)


# Damage: the hashes find it.


@settings(max_examples=60)
@given(st.data())
def test_any_flipped_bit_is_found(tmp_path_factory, draw) -> None:
    folder = tmp_path_factory.mktemp("model")
    hashes = write_state(folder, ensemble().state())
    path = folder / draw.draw(st.sampled_from(sorted(hashes)))
    content = bytearray(path.read_bytes())
    at = draw.draw(st.integers(0, len(content) - 1))
    content[at] ^= 1 << draw.draw(st.integers(0, 7))
    path.write_bytes(content)
    assert f"{path}: was changed" in refusal(folder, hashes)


@pytest.mark.parametrize("name", ["state.json", "arrays.npz", "blob_0.ubj"])
def test_a_missing_cut_or_added_file_is_found(tmp_path: Path, name: str) -> None:
    hashes = write_state(tmp_path, ensemble().state())
    content = (tmp_path / name).read_bytes()
    for other in (content[:-1], content + b" ", b""):
        (tmp_path / name).write_bytes(other)
        assert "was changed" in refusal(tmp_path, hashes)
    (tmp_path / name).unlink()
    assert f"{tmp_path / name}: is missing" in refusal(tmp_path, hashes)
    (tmp_path / name).mkdir()
    assert f"{tmp_path / name}: cannot be read" in refusal(tmp_path, hashes)
    (tmp_path / name).rmdir()
    (tmp_path / name).write_bytes(content)
    (tmp_path / "blob_1.ubj").write_bytes(content)
    assert "has 'blob_1.ubj', which is no part of the model" in refusal(tmp_path, hashes)
    (tmp_path / "blob_1.ubj").unlink()
    same_forecasts(ensemble(), restore(read_state(tmp_path, hashes)))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    hashes = write_state(tmp_path / "model", fitted("ridge").state())
    assert "no saved model there" in refusal(tmp_path / "nothing", hashes)
    assert "no saved model there" in refusal(tmp_path / "model" / "state.json", hashes)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../state.json",
            "/etc/passwd",
            "a/state.json",
            "..",
            ".",
            "",
            "state.json\n",
            "blob_0.ubj/",
            "STATE.JSON",
        ),
        *(
            "blob_00.ubj",
            "blob_-1.ubj",
            "blob_1",
            "blob_1.",
            "blob_1.ubj.",
            "blob_1.\u0131",
            "manifest.json",
            "C:x",
        ),
        *("blob_1.ubj\0", "arrays.npz ", "blob_123456.ubj", "~/state.json", 5, None),
    ],
)
def test_hostile_file_names_are_refused(tmp_path: Path, name: object) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())
    assert "for a file name" in refusal(tmp_path, {**hashes, name: hashes["state.json"]})


@pytest.mark.parametrize("known", ["", "0" * 63, "G" * 64, "0" * 64 + "\n", None, 5, b"0" * 64])
def test_hashes_that_are_none_are_refused(tmp_path: Path, known: object) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())
    assert "for the hash of arrays.npz" in refusal(tmp_path, {**hashes, "arrays.npz": known})
    for other in ({}, {"state.json": hashes["state.json"]}, None, [], "state.json"):
        assert "has no hashes" in refusal(tmp_path, other)


@pytest.mark.parametrize("name", ["state.json", "arrays.npz", "blob_0.ubj"])
def test_links_and_pipes_are_not_followed(tmp_path: Path, name: str) -> None:
    hashes = write_state(tmp_path / "model", fitted("xgb").state())
    path = tmp_path / "model" / name
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert f"{path}: is a link" in refusal(tmp_path / "model", hashes)
    path.unlink()
    os.mkfifo(path)
    assert f"{path}: is no plain file" in refusal(tmp_path / "model", hashes)


def test_a_file_of_many_bytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())
    os.truncate(tmp_path / "arrays.npz", 2**40)  # takes no room on the disk
    assert "more than a model may" in refusal(tmp_path, hashes)


# A hostile writer, who fixes the hashes, too.


def places(node: object, path: tuple = ()) -> list[tuple]:
    """Return the path of every value in a tree of dicts and lists."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inside for place in places(value, (*path, key)))]


@functools.cache
def stored(case: str) -> tuple[dict, dict, State]:
    """Return the JSON document of a case as plain values, its files, and its state."""
    state = ensemble().state() if case == "ensemble" else fitted(case).state()
    with tempfile.TemporaryDirectory() as name:
        hashes = write_state(Path(name), state)
        files = {file: (Path(name) / file).read_bytes() for file in hashes}
    return json.loads(files["state.json"]), files, state


WITHOUT_NETWORKS = ["ridge", "xgb", "lgb", "catboost", "ensemble"]
HARD_CASES = [*WITHOUT_NETWORKS, "lstm screened", "xlstm"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_changed_tree_is_refused_or_is_another_model(tmp_path_factory, draw) -> None:
    refuse_or_restore_another(tmp_path_factory, draw, WITHOUT_NETWORKS)


@pytest.mark.slow  # a network is built anew for every tree that is no nonsense
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_changed_tree_of_any_model_is_refused_or_is_another_model(tmp_path_factory, draw) -> None:
    refuse_or_restore_another(tmp_path_factory, draw, HARD_CASES)


def refuse_or_restore_another(tmp_path_factory, draw, cases: list[str]) -> None:
    document, files, _ = stored(draw.draw(st.sampled_from(cases)))
    for _ in range(draw.draw(st.integers(1, 2))):
        place = draw.draw(st.sampled_from(places(document)))
        action = draw.draw(st.sampled_from(["drop", "replace", "add"]))
        document = changed(document, place, action, draw.draw(st.sampled_from(HOSTILE)))
        if not isinstance(document, dict):
            break
    folder = tmp_path_factory.mktemp("model")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "state.json").write_text(json.dumps(document))
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}
    refused_or_restored(folder, hashes)


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.slow] * (c not in WITHOUT_NETWORKS)) for c in HARD_CASES]
)
def test_dropping_any_key_is_refused(tmp_path: Path, case: str) -> None:
    document, _, state = stored(case)
    hashes = write_state(tmp_path, state)
    for place in places(document):
        if place and isinstance(place[-1], str):
            content = json.dumps(changed(document, place, "drop", None)).encode()
            refusal(tmp_path, rewrite(tmp_path, hashes, "state.json", content))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_changed_arrays_are_refused(draw) -> None:
    refuse_changed_arrays(draw, WITHOUT_NETWORKS)


@pytest.mark.slow
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_changed_arrays_of_any_model_are_refused(draw) -> None:
    refuse_changed_arrays(draw, HARD_CASES)


def refuse_changed_arrays(draw, cases: list[str]) -> None:
    state = stored(draw.draw(st.sampled_from(cases)))[2]
    path: list[State] = [state]
    while path[-1].parts and draw.draw(st.booleans()):
        path.append(path[-1].parts[draw.draw(st.integers(0, len(path[-1].parts) - 1))])
    inner = path[-1]
    if not inner.arrays:
        return
    name = draw.draw(st.sampled_from(sorted(inner.arrays)))
    array = inner.arrays[name]
    bad = {
        "longer": lambda: (
            np.concatenate([array, array[:1]]) if len(array) else np.zeros((3, *array.shape[1:]))
        ),
        "deeper": lambda: array[None],
        "flat": lambda: array.reshape(-1, 1) if array.ndim == 1 else array.ravel(),
        "other type": lambda: array.astype(np.uint32 if array.dtype == np.float64 else np.float64),
        "missing number": lambda: np.full(array.shape or (1,), np.nan),
        "scalar": lambda: np.zeros((), array.dtype),
    }
    how = draw.draw(st.sampled_from(sorted(bad)))
    if how == "missing number" and not array.size:
        return
    wrong = dataclasses.replace(inner, arrays={**inner.arrays, name: bad[how]()})
    for outer, below in zip(path[-2::-1], path[:0:-1], strict=True):
        parts = tuple(wrong if part is below else part for part in outer.parts)
        wrong = dataclasses.replace(outer, parts=parts)
    with pytest.raises(DataError, match="saved "):
        restore(wrong)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda tree: tree.update(kind="transformer"),
            "saved transformer: no such model; known: linear, xgb",
        ),
        (lambda tree: tree.update(kind="__import__"), "for a name"),
        (lambda tree: tree.update(kind="scaler"), "no such model"),
        (lambda tree: tree["facts"].update(rounds=10**7), "rounds must be a whole number"),
        (lambda tree: tree["facts"].update(intercept=float("1e301")), "intercept must be a finite number"),
        (lambda tree: tree["facts"].update(features=5), "must have shape"),
        (lambda tree: tree["arrays"].update(coefficients="../x"), "points to '../x'"),
        (lambda tree: tree["arrays"].update(coefficients=tree["arrays"]["fit_rows"]), "is another's"),
        (lambda tree: tree["arrays"].pop("coefficients"), "to no part of the model"),
        (lambda tree: tree["blobs"].update(ubj="/etc/passwd"), "points to '/etc/passwd'"),
        (lambda tree: tree["blobs"].update(ubj="state.json"), "points to 'state.json'"),
    ],
)
def test_the_line_says_which_part_is_wrong(tmp_path: Path, change, line: str) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())
    assert line in refusal(tmp_path, with_tree(tmp_path, hashes, change))


def test_the_member_that_is_wrong_is_named(tmp_path: Path) -> None:
    hashes = write_state(tmp_path, ensemble().state())
    wrong = with_tree(tmp_path, hashes, lambda tree: tree["parts"][2]["facts"].update(threads=0))
    assert "member 2: saved xgb: threads must be a whole number from 1" in refusal(tmp_path, wrong)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 1_000_000, "is no JSON"),
        (b'{"a":' * 500_000, "is no JSON"),
        (b'{"format": 1, "state": ' + b"9" * 10_000 + b"}", "is no JSON"),
        (b'{"format": 1, "state": NaN}', "is no JSON"),
        (b" " * (5 * 2**20), "more than a tree"),
        (b"[]", "is no saved model"),
        (b'{"format": 1}', "is no saved model"),
        (b'{"format": true, "state": {}}', "is no saved model"),
        (b'{"format": 0, "state": {}}', "is no saved model"),
        (b'{"format": 2, "future": {}}', "format 2 is newer than this version knows (1); update geiger"),
        (b'{"format": 1, "state": {}}', "has a part without exactly kind, facts"),
    ],
)
def test_json_that_is_no_model_is_refused(tmp_path: Path, content: bytes, line: str) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())
    assert line in refusal(tmp_path, rewrite(tmp_path, hashes, "state.json", content))


def test_parts_inside_parts_without_end_are_refused(tmp_path: Path) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())

    def nest(tree: dict) -> None:
        for _ in range(100):
            inner = dict(tree)
            tree.update(kind="ensemble", facts={}, arrays={}, blobs={}, parts=[inner])

    assert "parts inside each other" in refusal(tmp_path, with_tree(tmp_path, hashes, nest))
    state = fitted("ridge").state()
    for _ in range(7):
        state = dataclasses.replace(state, kind="ensemble", arrays={}, parts=(state,))
    write_state(tmp_path, state)
    with pytest.raises(DataError, match="more than 8 states inside each other"):
        write_state(tmp_path, State("ensemble", parts=(state,)))


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def npy(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    target = tmp_path / "made"
    objects = npy(np.array([Bomb(target)], dtype=object), allow_pickle=True)
    assert np.load(io.BytesIO(objects), allow_pickle=True).shape == (1,)
    assert target.exists()  # the bomb works where somebody lets it
    target.unlink()
    hashes = write_state(tmp_path / "model", fitted("ridge").state())
    plain = objects.replace(b"'|O'", b"'<f8'")  # a pickle that says it holds numbers
    for content in (objects, plain, objects[objects.index(b"\n") + 1 :]):
        changed = rewrite(tmp_path / "model", hashes, "arrays.npz", zipped([("array_0.npy", content)]))
        refusal(tmp_path / "model", changed)
    for content in (objects, objects[objects.index(b"\n") + 1 :]):  # not zipped at all
        assert "cannot be read" in refusal(
            tmp_path / "model", rewrite(tmp_path / "model", hashes, "arrays.npz", content)
        )
    assert not target.exists()


def header(text: str, data: bytes = b"") -> bytes:
    body = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(body).to_bytes(2, "little") + body + data


PLAIN = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }"


@pytest.mark.parametrize(
    "content",
    [
        b"no zip",
        zipped([("../array_0.npy", npy(np.zeros(2)))]),
        zipped([("/etc/array_0.npy", npy(np.zeros(2)))]),
        zipped([("array_0", npy(np.zeros(2)))]),
        zipped([("array_0.npy", npy(np.zeros(2)))], zipfile.ZIP_DEFLATED),
        zipped([("array_0.npy", b"0" * 10**7)], zipfile.ZIP_DEFLATED),
        zipped([("array_0.npy", b"")]),
        zipped([("array_0.npy", npy(np.zeros(2))[:-1])]),
        zipped([("array_0.npy", npy(np.asfortranarray(np.zeros((2, 3)))))]),
        zipped([("array_0.npy", npy(np.zeros(2, "M8[D]")))]),
        zipped([("array_0.npy", npy(np.zeros(2, [("a", "<f8")])))]),
        zipped([("array_0.npy", npy(np.array(["text"])))]),
        zipped([("array_0.npy", npy(np.zeros(2, ">f8")))]),
        zipped([("array_0.npy", header(PLAIN % "1000000000000000000,"))]),
        zipped([("array_0.npy", header(PLAIN % "0, 1000000000000000000000000"))]),
        zipped([("array_0.npy", header(PLAIN % "1,", b"\0" * 16))]),
        zipped([("array_0.npy", header(PLAIN % "__import__('os'),", b"\0" * 8))]),
        zipped([("array_0.npy", header("(" * 100))]),
    ],
)
def test_archives_that_hold_no_plain_arrays_are_refused(tmp_path: Path, content: bytes) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())
    assert "arrays.npz: " in refusal(tmp_path, rewrite(tmp_path, hashes, "arrays.npz", content))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_given_twice_is_refused(tmp_path: Path) -> None:
    hashes = write_state(tmp_path, fitted("ridge").state())
    content = zipped([("array_0.npy", npy(np.zeros(2)))] * 2)
    assert "names an array twice" in refusal(tmp_path, rewrite(tmp_path, hashes, "arrays.npz", content))


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_archive_is_refused_or_holds_other_numbers(tmp_path_factory, draw) -> None:
    _, files, _ = stored("ridge")
    folder = tmp_path_factory.mktemp("model")
    for name, content in files.items():
        (folder / name).write_bytes(content)
    damaged = bytearray(files["arrays.npz"])
    for _ in range(draw.draw(st.integers(1, 3))):
        damaged[draw.draw(st.integers(0, len(damaged) - 1))] ^= draw.draw(st.integers(1, 255))
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    refused_or_restored(folder, rewrite(folder, hashes, "arrays.npz", bytes(damaged)))


# What libraries wrote: what they refuse is refused in one line. They may crash on worse, see `restore_trees`.


@pytest.mark.parametrize("case", ["xgb", "lgb", "catboost"])
def test_trees_that_cannot_be_read_are_refused(case: str) -> None:
    state = fitted(case).state()
    ((ending, content),) = state.blobs.items()
    wrong = {
        "no start": (b"\0" + content, "does not begin as one"),
        "empty": (b"", "does not begin as one"),
        "another's": (b"\x80\x04\x95", "does not begin as one"),
    }
    if case != "lgb":  # whose parser ends the process where a text is cut
        wrong["cut"] = (content[: len(content) // 2], "its trees cannot be read")
    else:
        wrong["no ASCII"] = (content + "é".encode(), "its trees cannot be read")
    for bad, line in wrong.values():
        with pytest.raises(DataError, match=f"saved {case}: .*{line}"):
            restore(dataclasses.replace(state, blobs={ending: bad}))
    wide = dataclasses.replace(
        state, facts={**state.facts, "features": 7}, arrays={"fit_rows": state.arrays["fit_rows"]}
    )
    with pytest.raises(DataError, match="its trees take 6 features, not 7"):
        restore(wide)
    with pytest.raises(DataError, match="is missing"):
        restore(dataclasses.replace(state, blobs={"bin": content}))


def test_more_trees_than_there_are_are_refused() -> None:
    for case in ("xgb", "catboost"):
        state = fitted(case).state()
        with pytest.raises(DataError, match="its trees cannot be read"):
            restore(dataclasses.replace(state, facts={**state.facts, "rounds": 26}))


def test_a_term_that_points_outside_is_refused() -> None:
    state = fitted("lstm screened").state()
    (screened,) = state.parts
    for name, value in (("one", 6), ("one", -2), ("other", -1), ("other", 6), ("delay", -1), ("delay", 21)):
        column = np.full_like(screened.arrays[name], value)
        part = dataclasses.replace(screened, arrays={**screened.arrays, name: column})
        with pytest.raises(DataError, match=f"saved screened: {name} must hold numbers from"):
            restore(dataclasses.replace(state, parts=(part,)))
    late = np.full_like(screened.arrays["delay"], 20)
    part = dataclasses.replace(screened, arrays={**screened.arrays, "delay": late})
    with pytest.raises(DataError, match="looks back further than the network"):
        restore(dataclasses.replace(state, parts=(part,)))


def test_members_for_other_features_are_refused() -> None:
    state = average([fitted("ridge"), fitted("ridge")]).state()
    first, second = state.parts
    arrays = {name: array for name, array in second.arrays.items() if name != "importances"}
    other = dataclasses.replace(
        second, facts={**second.facts, "features": 7}, arrays={**arrays, "coefficients": np.zeros(7)}
    )
    with pytest.raises(DataError, match="member 1 is for another number of features"):
        restore(dataclasses.replace(state, parts=(first, other)))
    with pytest.raises(DataError, match="1 or more parts expected, got 0"):
        restore(dataclasses.replace(state, parts=()))


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (State("linear", arrays={"a": np.array([object()])}), "only plain numbers"),
        (State("linear", arrays={"a": np.array(["x"])}), "only plain numbers"),
        (State("linear", arrays={"a": np.zeros(2, bool)}), "only plain numbers"),
        (State("linear", arrays={"../a": np.zeros(2)}), "is no name"),
        (State("../x"), "is no name"),
        (State("xgb", blobs={"../x": b""}), "is no name"),
        (State("xgb", blobs={"model_1": b""}), "is no ending"),
        (State("linear", {"a": float("nan")}), "JSON"),
        (State("linear", {"a": object()}), "JSON"),
        (State("linear", {"a": np.float32(1.0)}), "JSON"),
        (State("linear", {"a": "x" * 5 * 2**20}), "more than is read back"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, state: State, line: str) -> None:
    with pytest.raises(DataError, match=f"this {state.kind} cannot be saved: .*{line}"):
        write_state(tmp_path / "model", state)
    assert not (tmp_path / "model").exists()


@given(
    npst.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.uint32]),
        npst.array_shapes(min_dims=0, min_side=0),
    ),
    st.booleans(),
)
def test_any_array_comes_back_as_it_was(tmp_path_factory, array, swapped) -> None:
    folder = tmp_path_factory.mktemp("arrays")
    given_array = array.astype(array.dtype.newbyteorder(">")) if swapped else np.array(array, order="F")
    again = read_state(folder, write_state(folder, State("any", arrays={"a": given_array}))).arrays["a"]
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert again.tobytes() == array.tobytes()
