"""How much Hypothesis tries (`HYPOTHESIS_PROFILE`: `ci`, the default, or `nightly`), and interrupts that are heeded."""

import os
import signal
import threading

import pytest
from hypothesis import HealthCheck, settings

SLOW_DRAWS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]

settings.register_profile(
    "ci", max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=SLOW_DRAWS
)
settings.register_profile(
    "nightly", max_examples=10_000, deadline=None, suppress_health_check=SLOW_DRAWS, print_blob=True
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci")
settings.load_profile(PROFILE)

# Tests that are started in the background may have these ignored, and what they start would inherit that.
for sign, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if threading.current_thread() is threading.main_thread() and signal.getsignal(sign) is signal.SIG_IGN:
        signal.signal(sign, handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the properties of the nightly profile take as long as they need."""
    if PROFILE == "ci":
        return
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker(pytest.mark.timeout(0))
