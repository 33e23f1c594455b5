"""A hub of our own on this machine: what does not fit on the disk is told before anything is downloaded."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import torch

from engine.errors import CheckpointError
from engine.profiles import MODELS_VARIABLE
from engine.step2.card import read_card, write_card
from engine.step2.pipeline import Step2Pipeline
from tests.engine.step2.large_models import pairs_lora
from tests.engine.step2.tiny import stock_repository, tiny_pipeline
from tests.loopback import on_loopback

COMMIT = "a" * 40
SMALL = b'{"_class_name": "Step2Pipeline"}'
WEIGHTS = "transformer/model.safetensors"
LOCATE = "from engine.step2.checkpoint import locate; print(locate('someone/model'))"


class Hub(BaseHTTPRequestHandler):
    """One repository with `files`, of which some are said to weigh other than they do (`said`)."""

    asked: list[str]
    tokens: set[str | None]
    files: dict[str, bytes]
    said: dict[str, int]

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        type(self).asked.append(self.path)
        if "/resolve/" in self.path:
            type(self).tokens.add(self.headers.get("Authorization"))
        names = list(type(self).files)
        if "/tree/" in self.path:
            files = [{"type": "file", "path": n, "size": self._size(n), "oid": COMMIT} for n in names]
            self._answer(json.dumps(files).encode(), "application/json")
        elif "/api/models/" in self.path:
            about = {"id": "someone/model", "sha": COMMIT, "siblings": [{"rfilename": n} for n in names]}
            self._answer(json.dumps(about).encode(), "application/json")
        elif "/resolve/" in self.path:
            self._answer(type(self).files[self._name()])
        else:
            self.send_error(404)

    def _name(self) -> str:
        return self.path.split("/resolve/")[1].split("/", 1)[1].split("?")[0]

    def _size(self, name: str) -> int:
        return type(self).said.get(name, len(type(self).files[name]))

    def _answer(self, body: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        size = len(body) if self.command == "GET" else self._size(self._name())
        self.send_header("Content-Length", str(size))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(self.path.encode()).hexdigest()}"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def hub(files: dict[str, bytes], said: dict[str, int] | None = None) -> Iterator[str]:
    Hub.asked, Hub.tokens, Hub.files, Hub.said = [], set(), files, said or {}
    with on_loopback(Hub) as url:
        yield url


def with_hub(url: str, home: Path, code: str = LOCATE) -> subprocess.CompletedProcess[str]:
    """Runs `code` in a process that knows no other hub than this one."""
    known = {**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0", "NO_PROXY": "*"}
    return subprocess.run(
        [sys.executable, "-c", code], env=known, capture_output=True, text=True, timeout=280, check=False
    )


@pytest.mark.slow
def test_what_does_not_fit_on_the_disk_is_not_begun(tmp_path: Path) -> None:
    with hub({"model_index.json": SMALL, WEIGHTS: SMALL}, {WEIGHTS: 10**16}) as url:
        told = with_hub(url, tmp_path / "deep" / "home")
    assert "still needs" in told.stderr
    assert "set HF_HOME" in told.stderr
    assert not any("/resolve/" in path for path in Hub.asked), "nothing was downloaded"
    assert not list(tmp_path.rglob("model_index.json"))


@pytest.mark.slow
def test_what_fits_is_downloaded(tmp_path: Path) -> None:
    with hub({"model_index.json": SMALL, WEIGHTS: SMALL}) as url:
        told = with_hub(url, tmp_path)
        assert told.returncode == 0, told.stderr
    folder = Path(told.stdout.strip().splitlines()[-1])
    assert (folder / "model_index.json").read_bytes() == SMALL


LOAD = """
from engine.step2.pipeline import Step2Pipeline
hub = dict(revision="v2", cache_dir={cache!r}, token="hf_secret")
pipe = Step2Pipeline.from_pretrained("someone/model", dtype=None, **hub)
weights = pipe.transformer.transformer_blocks[0].attn.to_q.weight
print(pipe.card.title, pipe.ranker is not None, float(weights.double().sum()))
"""


@pytest.mark.slow
def test_our_own_layout_comes_from_the_hub_with_its_card_and_adapters(tmp_path: Path) -> None:
    """Those are what diffusers' own download leaves behind; the revision and the token are asked with."""
    saved = tmp_path / "saved"
    pipe = tiny_pipeline()
    pipe.save_pretrained(saved)
    pairs_lora(saved / "pairs")
    write_card(pipe.card.model_copy(update={"title": "of the hub", "adapters": ("pairs",)}), saved)
    here = Step2Pipeline.from_pretrained(saved)
    sum_here = here.transformer.transformer_blocks[0].attn.to_q.weight.double().sum()
    assert not torch.equal(sum_here, pipe.transformer.transformer_blocks[0].attn.to_q.weight.double().sum())

    files = {f.relative_to(saved).as_posix(): f.read_bytes() for f in saved.rglob("*") if f.is_file()}
    files["training.bin"] = b"what nobody loads"
    cache = tmp_path / "cache"
    with hub(files) as url:
        told = with_hub(url, tmp_path / "home", LOAD.format(cache=str(cache)))
        assert told.returncode == 0, told.stderr
        title, ranker, total = told.stdout.strip().splitlines()[-1].rsplit(" ", 2)
        assert (title, ranker) == ("of the hub", "True")
        assert float(total) == pytest.approx(float(sum_here), abs=1e-6)
        assert any("/revision/v2" in path for path in Hub.asked)
        assert Hub.tokens == {"Bearer hf_secret"}
        assert not any("training.bin" in path for path in Hub.asked)
        assert list(cache.rglob("step2.json"))


DRAW = """
from engine.profiles import get_profile
from engine.step2.painter import load_painter
before = get_profile("qwen-image", "someone/their-lora")
profile = load_painter(before).profile
print(before.steps, before.width, profile.steps, profile.guidance, profile.width)
print(profile == get_profile("qwen-image", "someone/their-lora"))
"""


@pytest.mark.slow
def test_a_lora_of_the_hub_is_drawn_with_by_its_card_as_soon_as_it_is_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    stock_repository(models / "Qwen" / "Qwen-Image")
    folder = pairs_lora(tmp_path / "mine")
    write_card(read_card(folder).model_copy(update={"width": 832, "height": 464}), folder)
    monkeypatch.setenv(MODELS_VARIABLE, str(models))
    with hub({file.name: file.read_bytes() for file in folder.iterdir()}) as url:
        told = with_hub(url, tmp_path / "home", DRAW)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip().splitlines()[-2:] == ["50 1664 3 2.0 832", "True"]


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="could not be downloaded: connect, or name a local folder"):
        Step2Pipeline.from_pretrained(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="someone/model could not be downloaded"):
        Step2Pipeline.from_pretrained("someone/model", local_files_only=True, cache_dir=tmp_path)
