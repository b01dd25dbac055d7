"""What processes leave is read once, whole, and in order; a full disk or a killed process harms nobody."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from geiger.experiment.spool import Spool, leave, spooled
from geiger.records import Epoch

EPOCH = Epoch(1, 0.9, 1.0 / 3.0, 0.1, 52.0, fold=2, seed=1)


def test_each_epoch_is_told_once_with_all_its_digits(tmp_path: Path) -> None:
    heard = list[Epoch]()
    spool = Spool(tmp_path, heard.append)
    spool.look()
    assert heard == []
    leave(tmp_path, EPOCH)
    leave(tmp_path, replace(EPOCH, fold=0))
    spool.look()
    assert heard == [replace(EPOCH, fold=0), EPOCH]
    leave(tmp_path, replace(EPOCH, epoch=2))
    spool.look()
    spool.look()
    assert heard[2:] == [replace(EPOCH, epoch=2)]


def test_half_a_line_is_left_for_later(tmp_path: Path) -> None:
    leave(tmp_path, EPOCH)
    (path,) = tmp_path.glob("*.jsonl")
    whole, heard = path.read_bytes(), list[Epoch]()
    path.write_bytes(whole + whole[:20])
    spool = Spool(tmp_path, heard.append)
    spool.look()
    assert heard == [EPOCH]
    path.write_bytes(whole + whole)
    spool.look()
    assert heard == [EPOCH, EPOCH]


def test_a_folder_that_is_gone_stops_no_training(tmp_path: Path) -> None:
    leave(tmp_path / "gone", EPOCH)
    Spool(tmp_path / "gone", print).look()


def test_what_is_left_is_told_while_the_training_goes_on() -> None:
    heard, told = list[Epoch](), threading.Event()

    def hear(epoch: Epoch) -> None:
        heard.append(epoch)
        told.set()

    with spooled(hear) as spool:
        leave(spool.folder, EPOCH)
        assert told.wait(60.0)
    assert heard == [EPOCH]
    assert not spool.folder.exists()
    assert not [one for one in threading.enumerate() if one.name == "epochs"]
