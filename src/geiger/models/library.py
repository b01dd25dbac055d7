"""Loading a library that a model needs: it may be missing, or be there and not load."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from geiger.errors import MissingLibrary
from geiger.hiding import hidden

NEED_OPENMP = ("xgboost", "lightgbm")  # the system's own: their packages do not bring it everywhere
OPENMP = {
    "darwin": "brew install libomp",
    "linux": "install libgomp (Debian and Ubuntu: apt install libgomp1)",
    "win32": "install the Microsoft Visual C++ Redistributable",
}
# Imported by each where it is installed, and of no use to trees: see `geiger.hiding`.
BESIDES = {"lightgbm": ("sklearn",), "xgboost": ("sklearn",)}


def load(name: str) -> Any:
    """Return the library of this name, imported.

    Raises
    ------
    MissingLibrary
        If it is not installed, or is and does not load here; with what to do.
    """
    try:
        if name in sys.modules:
            return importlib.import_module(name)
        with hidden(BESIDES.get(name, ())):
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise MissingLibrary(f"{name} is installed and needs {error.name}, which is not") from error
        raise MissingLibrary(f"{name} is not installed; install it or choose another model") from error
    except Exception as error:  # each library has its own for a shared library that is not there
        said = " ".join(str(error).split())
        remedy = "install it again"
        if name in NEED_OPENMP:
            install = OPENMP.get(sys.platform, "install the one of your system")
            remedy = f"most often the OpenMP library is missing: {install}"
        raise MissingLibrary(
            f"{name} is installed and does not load ({said[:300] or type(error).__name__}); {remedy}"
        ) from error
