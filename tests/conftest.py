"""
What do all tests share?
"""

import os

from hypothesis import HealthCheck, settings

# No deadlines: a busy machine is not a failing test. The same examples on every run where a
# failure must mean a change of ours (`ci`); new ones each time where somebody is looking.
_ALL = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("dev", _ALL)
settings.register_profile("ci", _ALL, derandomize=True, database=None)
settings.register_profile("soak", _ALL, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))
