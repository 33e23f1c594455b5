"""A shot to be rendered by a paid service on the loopback."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from engine.story import FrameRate, Movement
from engine.video.load import service_of
from engine.video.remote.ledger import FileLedger
from engine.video.remote.patience import Patience
from engine.video.remote.renderer import RemoteRenderer
from engine.video.remote.service import ClipOrder
from engine.video.renderers import RENDERERS, Sizes
from engine.video.upscale import Frame
from tests.engine.video.services import Fal, Service, Vertex

FILM = FrameRate()
QUICK = Patience(tries=3, first=0.01, longest=0.05, poll=0.01, whole=5.0)
FRAMES = 3
SIZE = (320, 180)
KINDS: dict[str, type[Service]] = {"fal-veo-3.1": Fal, "veo-3.1-vertex": Vertex}
VARIABLES = {
    "fal-veo-3.1": ("STAGE_FAL_URL", "FAL_KEY"),
    "veo-3.1-vertex": ("STAGE_VERTEX_URL", "VERTEX_API_KEY"),
}


@dataclass
class Scene:
    """A service, and a shot to be rendered by it."""

    name: str
    service: Service
    folder: Path
    start: Path
    end: Path

    def renderer(self, patience: Patience = QUICK) -> RemoteRenderer:
        spec = replace(RENDERERS[self.name], sizes=Sizes(fixed=(SIZE,)))
        ledger = FileLedger(self.folder / "operations.json")
        return RemoteRenderer(spec, service_of(spec), ledger, patience=patience)

    def made(self, renderer: RemoteRenderer | None = None, seed: int = 0, **more: Any) -> list[Frame]:
        """The service's own clip, without the work of retiming it."""
        png = Image.new("RGB", SIZE).tobytes()  # the service does not look
        order = ClipOrder("A boat turns.", png, png, *SIZE, 4, seed)
        return (renderer or self.renderer()).made(order, lambda: None, **more)

    def render(self, renderer: RemoteRenderer | None = None, seed: int = 0, **more: object) -> Path:
        out = self.folder / "clip.mp4"
        (renderer or self.renderer()).render(
            "A boat turns.", self.start, self.end, movement=Movement.STATIC, frames=FRAMES, rate=FILM,
            out=out, seed=seed, **more,
        )  # fmt: skip
        return out
