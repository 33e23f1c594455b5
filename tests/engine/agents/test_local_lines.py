"""What a local model's process says on its stdout, and what something else prints there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from engine.agents.local import LocalProcess, _listen
from engine.agents.trouble import ModelTrouble

SAYS = r"""
import sys
for line in (b"loading...", b"", b"42", b"[]", b"{}", b'{"gone": 0}', b"\xff\x1b[0m"):
    sys.stdout.buffer.write(line + b"\n")
sys.stdout.buffer.write(b'{"id": 1, "ready": true}\n')
sys.exit(3)
"""


def test_other_lines_are_no_answers_and_hide_no_end() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS], stdout=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
    )
    lines: SimpleQueue[dict[str, Any]] = SimpleQueue()
    _listen(process, lines)
    assert [lines.get_nowait() for _ in range(lines.qsize())] == [{"id": 1, "ready": True}, {"gone": 3}]


@pytest.mark.slow
def test_a_machine_whose_python_greets_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('Welcome to the cluster')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def load(process: LocalProcess) -> None:
        await asyncio.wait_for(process.load(), 100)

    with LocalProcess(str(tmp_path / "none")) as process, ThreadPoolExecutor(1) as beside:
        # a thread of its own: tests of the page leave an event loop running in this one
        loaded = beside.submit(lambda: asyncio.run(load(process)))
        with pytest.raises(ModelTrouble, match="cannot be loaded as a language model"):
            loaded.result()
