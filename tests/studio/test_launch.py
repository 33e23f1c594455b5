"""How the page is served: beside a proxy, and with an end to what is uploaded."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from studio.service.studio import Studio
from studio.ui import launch, page
from tests.studio.helpers import wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9"


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
def test_the_studio_starts_beside_a_proxy(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment |= {"HTTP_PROXY": NOWHERE, "http_proxy": NOWHERE, "NO_PROXY": "example.org"}
    command = [sys.executable, "-m", "studio.cli", "studio", "--no-browser", "--home", str(home)]
    served = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert served.stdout is not None
    try:
        said = served.stdout.readline()
        assert said.startswith("STAGE Studio is open at"), said + served.stdout.read()
    finally:
        served.send_signal(signal.SIGTERM)
        served.wait(60)
        served.stdout.close()


@pytest.mark.parametrize(
    ("upper", "lower", "told"),
    [
        ("", "", "localhost,127.0.0.1,::1"),
        ("example.org", "", "example.org,localhost,127.0.0.1,::1"),
        ("a.org, localhost", "b.org", "a.org,localhost,b.org,127.0.0.1,::1"),
    ],
)
def test_other_exceptions_of_the_proxy_stay(
    monkeypatch: pytest.MonkeyPatch, upper: str, lower: str, told: str
) -> None:
    monkeypatch.setenv("NO_PROXY", upper)
    monkeypatch.setenv("no_proxy", lower)
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    launch.ask_directly()
    assert (os.environ["NO_PROXY"], os.environ["no_proxy"]) == (told, told)
    launch.ask_directly()
    assert os.environ["NO_PROXY"] == told
    monkeypatch.setenv("NO_PROXY", "*")
    launch.ask_directly()
    assert os.environ["NO_PROXY"] == "*"


@pytest.fixture
def url(studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A served page that takes small files only, and keeps them for a second."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setattr(launch, "LARGEST_UPLOAD", 1000)
    monkeypatch.setattr(page, "UPLOADS_LIVE", (1, 1))
    monkeypatch.setenv("NO_PROXY", "*")
    built = page.build(studio)
    _, address, _ = built.queue().launch(**launch.settings(studio))
    yield address
    built.close(verbose=False)


def test_an_upload_is_not_larger_than_anything_wanted_and_does_not_stay(url: str) -> None:
    def upload(size: int) -> httpx.Response:
        return httpx.post(f"{url}gradio_api/upload", files={"files": ("a.wav", bytes(size))})

    assert upload(2000).status_code == 413
    taken = upload(500)
    assert taken.status_code == 200
    (path,) = map(Path, taken.json())
    wait_until(lambda: not path.exists(), 20)


def test_a_machine_too_busy_to_answer_at_once_opens_the_page_all_the_same(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_page() -> str:
        time.sleep(4)  # Gradio takes a page that needs over three seconds for a closed port
        return "late"

    monkeypatch.setenv("NO_PROXY", "*")
    built, settings = page.build(studio), launch.settings(studio)
    settings["app_kwargs"]["routes"].insert(0, APIRoute("/", first_page, methods=["GET", "HEAD"]))
    try:
        _, address, _ = built.queue().launch(**settings)
        assert "late" in httpx.get(address, timeout=30).text
    finally:
        built.close(verbose=False)
