"""Shared by all tests: no network, no telemetry, a home folder of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh home folder for a studio."""
    return tmp_path / "home"
