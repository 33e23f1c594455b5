"""The scratch sound under the film, and its dialogue as subtitles."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from engine.errors import BadInput
from engine.video.sound import sound_kind, sound_seconds
from engine.video.subtitles import cues, to_srt, to_vtt
from studio.project.film import load_film, owned_project
from studio.service.room import Room

LARGEST = 200_000_000
"""Bytes of a sound file."""
LONGEST_NAME = 120
LOUDEST = 200
"""Per cent."""
MOST_SECONDS_OFF = 6 * 3600


class Sound(Room):
    """One track for all: it plays with the animatic, and goes into the MP4 if that is wished."""

    def set_sound(self, owner: str, project_id: str, path: Path, name: str = "") -> None:
        """Lays a sound file (MP3, WAV or M4A, told by its bytes) under the film, as a command. The file is
        copied into the store; the caller keeps its own. Raises BadInput for what is no sound, or too large.
        """
        with self.home.database.read() as session:
            owned_project(session, owner, project_id)
        if path.stat().st_size > LARGEST:
            raise BadInput(f"A sound file has at most {LARGEST // 1_000_000} MB: choose a smaller one.")
        with path.open("rb") as file:
            extension = sound_kind(file.read(16))
        seconds = sound_seconds(path)
        sha256 = self.home.blobs.put(path.read_bytes(), extension)
        with self._edit(owner, project_id) as edit:
            edit.recorder.set(
                edit.project,
                sound=f"{sha256}.{extension}",
                sound_name=_plain(name) or f"sound.{extension}",
                sound_seconds=seconds,
                sound_offset=0,
            )
            edit.recorder.finish("lay a sound under the film")

    def edit_sound(
        self,
        owner: str,
        project_id: str,
        *,
        offset: int | None = None,
        volume: int | None = None,
        in_film: bool | None = None,
    ) -> None:
        """Changes where the sound begins (frames, before the film when negative), how loud it is (per cent)
        and whether it goes into the MP4. Raises BadInput out of range, or without a sound.
        """
        fields: dict[str, Any] = {
            name: value
            for name, value in (
                ("sound_offset", offset),
                ("sound_volume", volume),
                ("sound_in_film", in_film),
            )
            if value is not None
        }
        if volume is not None and not 0 <= volume <= LOUDEST:
            raise BadInput(f"The volume is a number from 0 to {LOUDEST} per cent.")
        with self._edit(owner, project_id) as edit:
            if not edit.project.sound:
                raise BadInput("There is no sound under the film: choose a file first.")
            if offset is not None and abs(offset) > MOST_SECONDS_OFF * edit.film.rate.fraction:
                raise BadInput("The sound cannot begin more than six hours before or after the film.")
            edit.recorder.set(edit.project, **fields)
            edit.recorder.finish("change the sound of the film")

    def remove_sound(self, owner: str, project_id: str) -> None:
        """Takes the sound away, as a command: undo brings it back."""
        with self._edit(owner, project_id) as edit:
            edit.recorder.set(edit.project, sound="", sound_name="", sound_seconds=0.0, sound_offset=0)
            edit.recorder.finish("take the sound away")

    def subtitles(self, owner: str, project_id: str, form: Literal["srt", "vtt"] = "srt") -> str:
        """The dialogue of all shots, timed by their lengths. Raises BadInput when nobody speaks."""
        with self.home.database.read() as session:
            film = load_film(session, owned_project(session, owner, project_id))
            found = cues(((shot.dialogue, shot.length) for shot in film.shots), film.rate)
        if not found:
            raise BadInput("Nobody speaks in this film: write dialogue into a shot first.")
        return to_vtt(found) if form == "vtt" else to_srt(found)


def _plain(name: str) -> str:
    """A file's name without its folders and control characters, to be shown."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[:LONGEST_NAME]
