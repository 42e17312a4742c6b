"""Settings of all unit tests."""

from __future__ import annotations

import os

from hypothesis import Phase, settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("lake", deadline=None)
# For `make mutants`: the same examples each time, and a failure is enough; nobody reads the smallest one.
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "lake"))
