"""Kept forecasts: the bits of the network itself, of the object that is stored, without its layers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from geiger.models import average
from geiger.models.nets import exported
from geiger.models.nets.compiled import SETTING, SUFFIX, Programs
from geiger.models.nets.forecaster import known_by, program_of
from geiger.models.nets.jobs import SHORT_ROWS
from geiger.models.storage import restore, write_state
from helpers.networks import SMALL, changed
from helpers.saved_models import data, fitted, refusal, with_tree

# What a process forecasts with the models of these folders, whether it loaded Keras, what it kept.
FORECASTS = """
import json, sys
from pathlib import Path
from geiger.models.storage import read_state, restore
from helpers.saved_models import data
for folder, hashes in json.loads(sys.argv[1]).items():
    model = restore(read_state(Path(folder), hashes))
    print(model.predict(data().test).tobytes().hex(), model.reach)
print("keras" in sys.modules)
"""


def forecasts(folders: dict[str, dict[str, str]], kept: Path | str, project: Path) -> tuple[list[str], str]:
    environment = os.environ | {SETTING: str(kept), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", FORECASTS, json.dumps(folders)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=project,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    *found, keras = done.stdout.splitlines()
    return found, keras


@pytest.mark.slow
@pytest.mark.parametrize(
    "cases", [("lstm screened", "xlstm"), ("lstm", "lstm windows", "xlstm screened", "xlstm windows")]
)
def test_a_network_forecasts_as_trained_with_and_without_its_layers(
    cases: tuple[str, ...], tmp_path: Path
) -> None:
    """As trained, restored with nothing kept, from what is kept, and after damage to it: the same bits."""
    folders, trained = {}, []
    for number, case in enumerate(cases):
        model, folder = fitted(case), tmp_path / f"model{number}"
        folders[str(folder)] = write_state(folder, model.state())
        trained.append(f"{model.predict(data().test).tobytes().hex()} {model.reach}")
    kept, project = tmp_path / "kept", tmp_path / "project"
    project.mkdir()
    assert forecasts(folders, kept, project) == (trained, "True")
    assert forecasts(folders, kept, project) == (trained, "False")
    one, *_ = kept.glob(f"*/forecast-*{SUFFIX}")
    one.write_bytes(one.read_bytes()[:-1])
    assert forecasts(folders, kept, project) == (trained, "True")
    assert not list(project.iterdir())
    for folder, hashes in folders.items():
        assert sorted(hashes) == sorted(path.name for path in Path(folder).iterdir())


def test_a_long_series_is_forecast_by_the_layers() -> None:
    model = fitted("lstm")
    restored = restore(model.state())
    assert restored.exported is not None
    test, past = data().test, data().test.history
    longer = np.concatenate([np.zeros((SHORT_ROWS, 6)), past.x])
    long = replace(test, history=replace(past, x=longer, first=past.first - SHORT_ROWS))
    assert restored.exported.takes(past.x)
    assert not restored.exported.takes(longer)
    np.testing.assert_array_equal(restored.predict(long), model.predict(long))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Kept programs of this test alone."""
    programs = Programs(tmp_path)
    monkeypatch.setattr(exported, "_programs", lambda: programs)
    return programs


def test_a_rehearsal_keeps_and_compiles_the_forecast_once(
    here: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[bytes] = []
    running = exported._running
    monkeypatch.setattr(exported, "_running", lambda content: ran.append(content) or running(content))
    model = average([fitted("lstm")])
    for _ in range(2):  # the second time nothing is left to do
        model.rehearse(data().test)
        (file,) = here.folder.iterdir()
        assert len(ran) == 1
    assert ran[0] in file.read_bytes()
    monkeypatch.setattr(exported, "_programs", lambda: None)  # nothing can be kept
    model.rehearse(data().test)
    assert len(ran) == 1


def test_settings_that_only_steer_the_training_share_a_forecast(here: Programs) -> None:
    model = fitted("lstm")
    restore(model.state())
    (file,) = here.folder.iterdir()
    for other in ({"epochs": 7, "learning_rate": 0.5, "refit": True}, {"stop_patience": 2}):
        restore(replace(model, network=changed(model.network, **other)).state())
    assert list(here.folder.iterdir()) == [file]
    restore(replace(model, network=changed(model.network, burn_in=5)).state())
    assert len(list(here.folder.iterdir())) == 2


def test_settings_and_number_of_features_are_part_of_what_it_is_known_by() -> None:
    others = [(changed(SMALL, lookback=13), 6), (changed(SMALL, width=16), 6), (SMALL, 7)]
    assert len({known_by(network, features) for network, features in [(SMALL, 6), *others]}) == 4


@pytest.mark.parametrize("what", ["_code", "DEVICE", "CONFIGURED"])
def test_other_code_devices_and_arithmetic_have_forecasts_of_their_own(
    here: Programs, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    program = program_of(fitted("lstm").network, 6, False)
    assert exported.find("it") is None
    assert exported.keep("it", program) == exported.find("it")
    other = {"_code": lambda: "another", "DEVICE": "gpu", "CONFIGURED": ("jax_enable_x64",)}
    monkeypatch.setattr(exported, what, other[what])
    assert exported.find("it") is None


def test_the_code_is_that_of_every_file_that_a_forecast_is_traced_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(exported.__file__).parent
    for file in folder.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(exported, "__file__", str(tmp_path / "exported.py"))
    before = exported._code.__wrapped__()
    assert before == exported._code()
    for name in ("heads.py", "lstm_transformer.py", "xlstm.py", "program.py", "stretches.py"):
        text = (tmp_path / name).read_text()
        (tmp_path / name).write_text(text + "# changed\n")
        assert exported._code.__wrapped__() != before
        (tmp_path / name).write_text(text)
    assert exported._code.__wrapped__() == before


def test_damaged_weights_and_settings_are_refused_as_without_it(here: Programs, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    model = fitted("lstm")
    for _ in range(2):  # with nothing kept, and then with the forecast of the sound model kept
        hashes = write_state(folder, model.state())
        for change, said in (
            (lambda tree: tree["arrays"].pop("trainable_3"), "state.json: leaves"),
            (
                lambda tree: tree["arrays"].update(trainable_3=tree["arrays"].pop("trainable_4")),
                "state.json: leaves",
            ),
            (lambda tree: tree["facts"]["settings"].update(width=9), "saved network"),
            (lambda tree: tree["facts"]["settings"].update(batch_size=10**9), "saved network"),
        ):
            wrong = with_tree(folder, hashes, change)
            assert said in refusal(folder, wrong)
            hashes = write_state(folder, model.state())
        restore(model.state())


def test_without_the_library_that_writes_programs_the_network_itself_forecasts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "flatbuffers", None)
    monkeypatch.setattr(exported, "_programs", exported._programs.__wrapped__)
    model = fitted("lstm")
    restored = restore(model.state())
    assert restored.exported is None
    np.testing.assert_array_equal(restored.predict(data().test), model.predict(data().test))
