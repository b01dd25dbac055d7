"""One thread for linear algebra, for the whole process, and its threads back afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from geiger.blas import one_blas_thread


def threads() -> set[int]:
    return {one.num_threads for one in ThreadpoolController().select(user_api="blas").lib_controllers}


@pytest.fixture
def two() -> Iterator[None]:
    np.linalg.norm(np.eye(2))
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        if threads() != {2}:
            pytest.skip("this BLAS takes no second thread")
        yield


@pytest.mark.usefixtures("two")
def test_one_thread_inside_and_all_again_behind() -> None:
    with one_blas_thread():
        assert threads() == {1}
        with one_blas_thread():
            assert threads() == {1}
        assert threads() == {1}
    assert threads() == {2}


@pytest.mark.usefixtures("two")
def test_an_error_inside_gives_the_threads_back() -> None:
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        _ = 1 / 0
    assert threads() == {2}


@pytest.mark.usefixtures("two")
def test_the_last_of_several_threads_to_leave_gives_them_back() -> None:
    entered, left = threading.Event(), threading.Event()

    def stay() -> None:
        with one_blas_thread():
            entered.set()
            left.wait()

    other = threading.Thread(target=stay)
    with one_blas_thread():
        other.start()
        entered.wait()
    assert threads() == {1}
    left.set()
    other.join()
    assert threads() == {2}
