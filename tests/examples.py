"""How many examples a property is tried with: all of them in `make test`, a fifth in `make check`."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

QUICK = "STAGE_QUICK"  # set by `make check`, which is for the minutes between two commits


def examples(count: int) -> settings:
    """For a property whose examples take long, and share a fixture."""
    tried = -(-count // 5) if os.environ.get(QUICK) else count
    return settings(max_examples=tried, deadline=None, suppress_health_check=list(HealthCheck))
