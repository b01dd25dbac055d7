"""Settings of every test."""

from hypothesis import settings

# No test against the clock: a busy machine is not a defect. The same examples on every run: a failure is one
# for everybody.
settings.register_profile("geiger", deadline=None, derandomize=True)
settings.load_profile("geiger")
