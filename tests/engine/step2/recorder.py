"""Listens to what the transformer is called with."""

from __future__ import annotations

from typing import Any

import pytest

from engine.step2.pipeline import Step2Pipeline


class Recorder:
    """Keeps what the transformer was called with, and calls it."""

    def __init__(self, pipe: Step2Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[dict[str, Any]] = []
        stock = pipe.transformer.forward

        def forward(**kwargs: Any) -> Any:
            self.calls.append(kwargs)
            return stock(**kwargs)

        monkeypatch.setattr(pipe.transformer, "forward", forward)
