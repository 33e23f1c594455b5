"""What is computed once per frame: VAE latents and CLIP features of memory frames. (And, in memory alone, the
CLIP features of a shot's words.)

A value is keyed by the frame's content hash and by everything that it was computed with (the kind, a hash of
the weights, the size), so another checkpoint never sees it. Recent values stay in memory; with a folder, all
of them are also kept on disk as safetensors, written under a partial name and renamed, so a killed process
leaves no half file behind. A cache file that cannot be read is computed again; a full disk costs speed, never
the drawing. Where the files lie: `engine.step2.cached_frames`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.step2.cached_frames import drop_unnamed, frame_folder

log = logging.getLogger(__name__)
_VALUE = "value"


class FrameCache:
    """Least-recently-used tensors in memory, all of them on disk when `folder` is given."""

    def __init__(self, folder: Path | None = None, capacity: int = 2048) -> None:
        self.folder = folder
        self.capacity = capacity
        self.computed = 0  # values that had to be computed; tests and the benchmark read it
        self._recent: OrderedDict[str, Tensor] = OrderedDict()
        if folder is not None:
            with suppress(OSError):
                drop_unnamed(folder)

    def get(self, sha256: str, made_with: str, compute: Callable[[], Tensor], on_disk: bool = True) -> Tensor:
        """The value of the frame `sha256` under `made_with` (kind, weights, size …), computed if it is new.

        Values are on the CPU and must not be written to. What is not a frame's is kept in memory only: no
        purge of frames would remove its file.
        """
        key = hashlib.sha256(f"{sha256}\n{made_with}".encode()).hexdigest()
        path = None
        if self.folder is not None and on_disk:
            path = frame_folder(self.folder, sha256) / f"{key}.safetensors"
        value = self._recent.get(key)
        if value is None and path is not None:
            value = _read(path)
        if value is None:
            self.computed += 1
            value = compute().detach().cpu().contiguous()
            if path is not None:
                _write(path, value)
        self._recent[key] = value
        self._recent.move_to_end(key)
        while len(self._recent) > self.capacity:
            self._recent.popitem(last=False)
        return value


def _read(path: Path) -> Tensor | None:
    if not path.exists():
        return None
    try:
        return load_file(path)[_VALUE]
    except (SafetensorError, OSError, KeyError) as e:
        log.warning("The cached value %s cannot be read (%s): it is computed again.", path.name, e)
        return None


def _write(path: Path, value: Tensor) -> None:
    partial: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}.", suffix=".part")
        os.close(handle)
        save_file({_VALUE: value}, partial)
        os.replace(partial, path)
    except (OSError, SafetensorError) as e:
        log.warning("A frame's features could not be kept in %s (%s): the next run computes them.", path, e)
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
