from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from geiger.native import native


def half(x: float, y: float) -> float:
    """Return a ratio."""
    return x / y


def test_it_runs_as_native_code_and_divides_as_numpy_does() -> None:
    found = native(half)
    assert (found(1.0, 2.0), found.__name__, found.__doc__) == (0.5, "half", "Return a ratio.")
    assert found(1.0, 0.0) == np.inf
    with pytest.raises(ZeroDivisionError):
        half(1.0, 0.0)


def test_numba_loads_with_the_first_call() -> None:
    code = (
        "import sys\nfrom geiger.features.kernels import window_max\nimport geiger.backtest.simulate\n"
        "import numpy as np\nprint('numba' in sys.modules)\n"
        "print(window_max(np.array([1.0, 3.0, 2.0]), 2).tolist()[1:], 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False", "[3.0, 3.0] True"]
