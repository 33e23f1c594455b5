"""Vertex AI with a Google Cloud project and application-default credentials, which is not express mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from engine.errors import StageError
from tests.engine.video.pairs import saved, scenery, seen
from tests.engine.video.scene import Scene
from tests.engine.video.services import Answer, Vertex, serving
from tests.loopback import on_loopback

pytestmark = pytest.mark.slow

TOKEN = "ya29.a-token-of-the-test"
NAME = "veo-3.1-vertex"


class Project(Vertex):
    """The service, which also notes by which path and token it was asked."""

    def __init__(self, video: bytes) -> None:
        super().__init__(video)
        self.asked: list[tuple[str, str | None]] = []

    def respond(self, method: str, path: str, headers: Any, body: Any) -> Answer | bytes:
        self.asked.append((path, headers.get("authorization")))
        return super().respond(method, path, headers, body)


class Tokens(BaseHTTPRequestHandler):
    """Google's token service: gives the same token to whoever asks, but for an account that was deleted."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        good = "assertion=" in asked and self.path == "/token"
        given = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
        body = json.dumps(given if good else {"error": "invalid_grant"}).encode()
        self.send_response(200 if good else 400)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def scene(films: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    with serving(Project(films)) as service, on_loopback(Tokens) as tokens:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        account = {
            "type": "service_account",
            "project_id": "the-film",
            "private_key_id": "1",
            "private_key": pem.decode(),
            "client_email": "studio@the-film.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{tokens}/token",
        }
        path = tmp_path / "account.json"
        path.write_text(json.dumps(account))
        monkeypatch.delenv("VERTEX_API_KEY", raising=False)
        monkeypatch.setenv("STAGE_VERTEX_URL", service.url)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "the-film")
        monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
        start, end = (saved(tmp_path, f"{i}.png", seen(scenery(i))) for i in (1, 2))
        yield Scene(NAME, service, tmp_path, start, end)


def test_a_clip_is_ordered_for_the_project_with_its_token(scene: Scene) -> None:
    assert isinstance(scene.service, Project)
    assert scene.made()
    assert len(scene.service.orders) == 1
    path, _ = scene.service.asked[0]
    assert "/projects/the-film/locations/europe-west4/publishers/google/models/veo-3.1" in path
    assert {authorization for _, authorization in scene.service.asked} == {f"Bearer {TOKEN}"}
    assert TOKEN not in (scene.folder / "operations.json").read_text()


def test_credentials_that_are_not_there_are_one_sentence(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client looks for them when it asks first, not when it is made."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(scene.folder / "nowhere.json"))
    with pytest.raises(StageError, match="gcloud auth application-default login"):
        scene.made()
    assert scene.service.orders == []


@pytest.mark.parametrize(
    ("address", "said"),
    [("deleted", "gcloud auth application-default login"), ("", "token service cannot be reached")],
)
def test_a_token_that_is_not_given_has_paid_nothing(scene: Scene, address: str, said: str) -> None:
    """It was told as an order whose connection broke, and which may have been taken."""
    path = scene.folder / "account.json"
    account = json.loads(path.read_text())
    elsewhere = account["token_uri"].replace("token", address) if address else "http://127.0.0.1:9/token"
    path.write_text(json.dumps({**account, "token_uri": elsewhere}))
    with pytest.raises(StageError, match=said):
        scene.made()
    assert scene.service.orders == []
