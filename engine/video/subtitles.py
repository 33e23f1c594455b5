"""Dialogue as subtitles: one cue a shot, as SRT and WebVTT; and how long words take to be said. No torch."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.story import FrameRate

WORDS_A_SECOND = 2.5  # spoken English at an easy pace
# kana and Chinese characters, which are written without spaces: about five are said in a second
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_UNSPACED_A_WORD = 2
_SPEAKER = re.compile(r"^\s*[A-ZÀ-Þ][A-ZÀ-Þ0-9 .'’()-]{0,40}:\s*", re.MULTILINE)


@dataclass(frozen=True)
class Cue:
    """Words on the screen from `start` to `end`, in seconds of the film."""

    start: float
    end: float
    text: str


def spoken_seconds(dialogue: str) -> float:
    """How long the words need at 2.5 words a second, two Chinese or Japanese letters for a word; names of
    speakers ("ANNA:") are not said.
    """
    said = _SPEAKER.sub("", dialogue)
    words = len(_UNSPACED.sub(" ", said).split()) + len(_UNSPACED.findall(said)) / _UNSPACED_A_WORD
    return words / WORDS_A_SECOND


def too_long(dialogue: str, seconds: float) -> str:
    """A sentence where the words need longer than a shot of so many seconds lasts, else nothing."""
    needed = spoken_seconds(dialogue)
    if needed <= seconds:
        return ""
    return (
        f"These words need about {needed:.1f} s at {WORDS_A_SECOND:g} words a second, "
        f"but the shot lasts {seconds:.1f} s."
    )


def cues(shots: Iterable[tuple[str, int]], rate: FrameRate) -> list[Cue]:
    """The cues of a film from each shot's dialogue and length in frames; silent shots have none."""
    found: list[Cue] = []
    at = 0
    for dialogue, frames in shots:
        text = "\n".join(line.strip() for line in dialogue.splitlines() if line.strip())
        if text:
            found.append(Cue(rate.seconds(at), rate.seconds(at + frames), text))
        at += frames
    return found


def to_srt(found: Sequence[Cue]) -> str:
    """SubRip: numbered cues, times with a comma."""
    return "".join(
        f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{cue.text}\n\n"
        for number, cue in enumerate(found, start=1)
    )


def to_vtt(found: Sequence[Cue]) -> str:
    """WebVTT: what looks like markup in the words is text."""
    blocks = [
        f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{html.escape(cue.text, quote=False)}\n"
        for cue in found
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def _clock(seconds: float, comma: str) -> str:
    whole = round(seconds * 1000)
    hours, rest = divmod(whole, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{comma}{rest % 1000:03d}"
