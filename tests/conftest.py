"""Settings of every test."""

import os

from hypothesis import settings

# Networks are tiny here: compiling them well would take longer than all that they compute.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)

# No test against the clock: a busy machine is not a defect. The same examples on every run: a failure is one
# for everybody.
settings.register_profile("geiger", deadline=None, derandomize=True)
settings.load_profile("geiger")
