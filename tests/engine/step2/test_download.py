"""A hub of our own on this machine: what does not fit on the disk is told before anything is downloaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.loopback import on_loopback

COMMIT = "a" * 40
SMALL = b'{"_class_name": "Step2Pipeline"}'
LOCATE = "from engine.step2.checkpoint import locate; print(locate('someone/model'))"


class Hub(BaseHTTPRequestHandler):
    """One repository with a small file, and another that is said to weigh `large` bytes."""

    asked: list[str]
    large: int

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        sizes = {"model_index.json": len(SMALL), "transformer/model.safetensors": type(self).large}
        if "/tree/" in self.path:
            files = [{"type": "file", "path": n, "size": s, "oid": COMMIT} for n, s in sizes.items()]
            self._answer(json.dumps(files).encode(), "application/json")
        elif "/api/models/" in self.path:
            names = list(sizes)
            about = {"id": "someone/model", "sha": COMMIT, "siblings": [{"rfilename": n} for n in names]}
            self._answer(json.dumps(about).encode(), "application/json")
        else:
            self._answer(SMALL)

    def _answer(self, body: bytes, kind: str = "application/octet-stream") -> None:
        size = type(self).large if self.path.endswith(".safetensors") else len(SMALL)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if self.command == "GET" else size))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{len(self.path):040x}"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def located(url: str, home: Path) -> subprocess.CompletedProcess[str]:
    """`locate` in a process that knows no other hub than this one."""
    known = {**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}
    return subprocess.run(
        [sys.executable, "-c", LOCATE], env=known, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_what_does_not_fit_on_the_disk_is_not_begun(tmp_path: Path) -> None:
    Hub.asked, Hub.large = [], 10**16
    with on_loopback(Hub) as url:
        told = located(url, tmp_path / "deep" / "home")
    assert "still needs" in told.stderr
    assert "set HF_HOME" in told.stderr
    assert not any("/resolve/" in path for path in Hub.asked), "nothing was downloaded"
    assert not list(tmp_path.rglob("model_index.json"))


@pytest.mark.slow
def test_what_fits_is_downloaded(tmp_path: Path) -> None:
    Hub.asked, Hub.large = [], len(SMALL)
    with on_loopback(Hub) as url:
        told = located(url, tmp_path)
        assert told.returncode == 0, told.stderr
    folder = Path(told.stdout.strip().splitlines()[-1])
    assert (folder / "model_index.json").read_bytes() == SMALL
