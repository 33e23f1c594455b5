"""Settings of this room's tests: property tests have no deadline, because they may share a core with
training.
"""

from __future__ import annotations

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from hypothesis import settings

settings.register_profile("stage", deadline=None)
settings.load_profile("stage")
