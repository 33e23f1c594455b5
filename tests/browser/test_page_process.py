"""The page's own process stays small: serving the page loads no torch; a port in use is one sentence."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.browser.conftest import ROOT, free_port

HEAVY = ("torch", "diffusers", "transformers", "cv2", "open_clip", "moviepy")
SERVE_ONCE = """
import sys, urllib.request
from pathlib import Path
from studio.service.studio import Studio
from studio.ui.launch import build, settings
with Studio(Path(sys.argv[1])) as studio:
    page = build(studio)
    _, url, _ = page.launch(**settings(studio), server_port=int(sys.argv[2]))
    html = urllib.request.urlopen(url).read().decode()
    assert "STAGE Studio" in html
    page.close(verbose=False)
print("loaded:", *[name for name in sys.argv[3].split() if name in sys.modules])
"""


def test_serving_the_page_loads_no_torch(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE_ONCE, str(home), str(free_port()), " ".join(HEAVY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "loaded:"


def test_a_port_in_use_is_one_sentence(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "studio.cli",
                "studio",
                "--no-browser",
                "--port",
                str(port),
                "--home",
                str(home),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
        )
    assert done.returncode == 1
    assert (
        done.stderr.strip()
        == f"Port {port} is taken or not allowed: close its program, or name another with --port."
    )
