"""Vertex AI with the credentials of a Google Cloud project: a service account whose tokens come from the
loopback, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from engine.errors import StageError
from engine.video.remote.patience import Patience
from tests.engine.video.scene import Scene
from tests.engine.video.services import Answer, Vertex, serving
from tests.loopback import on_loopback

pytestmark = pytest.mark.slow

TOKEN = "ya29.a-very-secret-token"
CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"


class Project(Vertex):
    """aiplatform.googleapis.com for those who come with a token, and where it was asked for what."""

    def __init__(self, video: bytes) -> None:
        super().__init__(video)
        self.paths: list[str] = []

    def respond(self, method: str, path: str, headers: Any, body: Any) -> Answer | bytes:
        self.paths.append(path)
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"error": {"code": 401, "message": "no token", "status": "UNAUTHENTICATED"}})
        return super().respond(method, path, headers, body)


class Tokens:
    """oauth2.googleapis.com: a token for whoever signs for one."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.status = 200

    def handler(self) -> type[BaseHTTPRequestHandler]:
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                tokens.asked.append(parse_qs(form))
                given = {"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"}
                refused = {
                    "error": "invalid_grant",
                    "error_description": "Token has been expired or revoked.",
                }
                body = json.dumps(given if tokens.status == 200 else refused).encode()
                self.send_response(tokens.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def service_account(folder: Path, token_address: str) -> Path:
    """A file as Google Cloud gives it out, with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "account.json"
    account = {
        "type": "service_account",
        "project_id": "another-project",
        "private_key_id": "1",
        "private_key": key.decode(),
        "client_email": "stage@a-project.iam.gserviceaccount.com",
        "token_uri": token_address,
    }
    file.write_text(json.dumps(account))
    return file


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tokens]:
    found = Tokens()
    with on_loopback(found.handler()) as address:
        monkeypatch.setenv(CREDENTIALS, str(service_account(tmp_path, f"{address}/token")))
        yield found


@pytest.fixture
def scene(films: bytes, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    for name in ("VERTEX_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "a-project")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
    with serving(Project(films)) as service:
        monkeypatch.setenv("STAGE_VERTEX_URL", service.url)
        yield Scene("veo-3.1-vertex", service, tmp_path, tmp_path, tmp_path)


def test_a_clip_is_ordered_in_the_project_with_its_token(scene: Scene, tokens: Tokens) -> None:
    assert scene.made()
    assert isinstance(scene.service, Project)
    model = "publishers/google/models/veo-3.1-generate-001"
    assert scene.service.paths[0] == (
        f"/v1beta1/projects/a-project/locations/europe-west4/{model}:predictLongRunning"
    )
    assert set(scene.service.keys) == {None}, "no key of express mode goes with it"
    assert len(scene.service.orders) == 1
    (asked,) = tokens.asked
    assert asked["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


def test_the_region_that_google_names_first_is_taken_where_none_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_LOCATION")
    scene.made()
    assert isinstance(scene.service, Project)
    assert "/projects/a-project/locations/us-central1/" in scene.service.paths[0]


def test_credentials_that_are_not_there_are_one_sentence(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was Google's own error, which nobody caught."""
    monkeypatch.setenv(CREDENTIALS, str(scene.folder / "gone.json"))
    with pytest.raises(StageError, match=r"^Vertex AI has no credentials here .*gcloud auth application-def"):
        scene.made()
    assert scene.service.orders == []


def test_a_login_that_expired_is_one_sentence(scene: Scene, tokens: Tokens) -> None:
    tokens.status = 400
    with pytest.raises(StageError, match=r"^Vertex AI has no credentials here .*gcloud auth application-def"):
        scene.made()
    assert scene.service.orders == []
    tokens.status = 200
    scene.made()
    assert len(scene.service.orders) == 1


def test_no_way_to_the_tokens_is_no_order(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told as a clip that may have been taken, though nothing was sent."""
    monkeypatch.setenv(CREDENTIALS, str(service_account(scene.folder, "http://127.0.0.1:9/token")))
    with pytest.raises(StageError, match="token service cannot be reached: check the network"):
        scene.made()
    assert isinstance(scene.service, Project)
    assert scene.service.paths == []


def test_tokens_that_are_not_given_out_just_now_are_no_wrong_login(scene: Scene, tokens: Tokens) -> None:
    tokens.status = 503
    with pytest.raises(StageError, match="token service cannot be reached"):
        scene.made(scene.renderer(Patience(tries=1)))
    assert scene.service.orders == []
