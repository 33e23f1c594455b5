"""Clips of shots: which one is picked, what it would be rendered from now, and why it is stale.

A clip is stale like a pair: its recorded conditions (pair, words, length, text R, renderer) are compared with
what they would be now. How the machine rendered it is no reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlmodel import Session, col

from engine.story import FrameRate
from engine.video.renderers import RENDERERS
from studio.project.conditions import ClipConditions
from studio.project.film import FilmState
from studio.project.lineage import Freshness, Staleness
from studio.project.rows import FilmRows, Reading
from studio.project.words import word_reasons, words_of
from studio.store.tables import Clip, Refinement, Shot

BY_HAND = "written by hand"
"""The refiner's name in the recipe of a text that the user wrote."""


_CONDITIONS: dict[str, ClipConditions] = {}
_MOST_CONDITIONS = 20_000


@dataclass(frozen=True)
class Rendered:
    """A clip with the text it was rendered from."""

    clip: Clip
    text: str

    @property
    def conditions(self) -> ClipConditions:
        """Read once a process: clips never change."""
        if len(_CONDITIONS) > _MOST_CONDITIONS:
            _CONDITIONS.clear()
        if self.clip.id not in _CONDITIONS:
            _CONDITIONS[self.clip.id] = ClipConditions.model_validate(self.clip.conditions)
        return _CONDITIONS[self.clip.id]


@dataclass(frozen=True)
class FilmClips:
    """The clips and texts of a film at one moment."""

    film: FilmState
    picked: Mapping[str, Rendered] = field(default_factory=dict)
    """By shot: the clip that was picked, else the newest one of the picked take."""
    written: Mapping[str, Refinement] = field(default_factory=dict)
    """By shot: the text that was chosen for its picked take."""
    refined: Mapping[str, Refinement] = field(default_factory=dict)
    """By take: the newest text that the refiner wrote."""

    _known: dict[str, ClipConditions] = field(default_factory=dict, repr=False, compare=False)

    def wanted(self, shot: Shot) -> ClipConditions | None:
        """What a clip of the shot would be rendered from now; None without a picture."""
        if shot.picked is None:
            return None
        if shot.id not in self._known:
            self._known[shot.id] = self._wanted(shot, shot.picked)
        return self._known[shot.id]

    def _wanted(self, shot: Shot, take_id: str) -> ClipConditions:
        written = self.written.get(shot.id)
        return ClipConditions(
            take_id=take_id,
            words=words_of(self.film, shot),
            frames=shot.length,
            rate=str(self.film.rate),
            refined=written.text if written else "",
            renderer=self.film.project.renderer,
        )

    def text(self, shot: Shot) -> str:
        """R_i as the renderer gets it; empty while the refiner still has to write it."""
        chosen, written = self.written.get(shot.id), self.refined.get(shot.picked or "")
        if shot.picked is None or (chosen is None and written is None):
            return ""
        if chosen is not None and chosen.text:
            return chosen.text
        if written is None:
            return ""
        then = ClipConditions.model_validate(written.conditions)
        return written.text if then.words == words_of(self.film, shot) else ""

    def staleness(self, shot: Shot, rendered: Rendered | None = None) -> Staleness:
        """Whether a clip of the shot (else the picked one) is stale, and why, in words."""
        clip = rendered or self.picked.get(shot.id)
        if clip is None:
            return Staleness()
        reasons = self._reasons(shot, clip)
        if not reasons:
            return Staleness()
        kept = shot.clip_accepted is not None and shot.clip_accepted == self.fingerprint(shot, clip)
        return Staleness(Freshness.KEPT if kept else Freshness.STALE, tuple(reasons))

    def usable(self, shot: Shot) -> str | None:
        """The picked clip, if the film may use it: it is fresh, or kept as it is."""
        clip = self.picked.get(shot.id)
        if clip is None or self.staleness(shot).freshness is Freshness.STALE:
            return None
        return clip.clip.id

    def fingerprint(self, shot: Shot, rendered: Rendered) -> str:
        """Names a clip beside all that its staleness looks at: "keep it" holds until any of it changes."""
        wanted = self.wanted(shot)
        parts = (rendered.clip.id, wanted.model_dump_json() if wanted else "")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _reasons(self, shot: Shot, rendered: Rendered) -> list[str]:
        now, then = self.wanted(shot), rendered.conditions
        if now is None:
            return ["the shot has no picture any more"]
        reasons = []
        if then.take_id != now.take_id:
            take = self.film.picked(shot)
            redrawn = take is not None and take.created > rendered.clip.created
            reasons.append("the pair was redrawn" if redrawn else "another take of the pair was picked")
        reasons += word_reasons(then.words, now.words, self.film)
        if then.rate != now.rate:
            reasons.append(f"the frame rate changed from {then.rate} to {now.rate}")
        if then.frames != now.frames:
            reasons.append(f"the length changed from {_seconds(then)} to {_seconds(now)}")
        if then.take_id == now.take_id and not _same_text(then, rendered.text, now):
            reasons.append("the text R changed")
        if then.renderer != now.renderer:
            reasons.append(f"the renderer changed from {_title(then.renderer)} to {_title(now.renderer)}")
        return reasons


def fits(then: ClipConditions, text: str, now: ClipConditions) -> bool:
    """Whether a clip with these conditions and this text R_i is what a new one would be rendered from."""
    return then.model_copy(update={"refined": now.refined}) == now and _same_text(then, text, now)


def _same_text(then: ClipConditions, text: str, now: ClipConditions) -> bool:
    """A chosen text must be that very text; else the refiner must have written it (from the same pair)."""
    return text == now.refined if now.refined else not then.refined


def _seconds(conditions: ClipConditions) -> str:
    return f"{FrameRate.parse(conditions.rate).seconds(conditions.frames):.2f} s"


def _title(renderer: str) -> str:
    return RENDERERS[renderer].title if renderer in RENDERERS else renderer


def load_clips(session: Session, film: FilmState, reading: Reading | None = None) -> FilmClips:
    """Reads the clips and texts that count now: those of picked takes, and those that were picked.

    With a `reading`, what did not change is not read again.
    """
    shots = {shot.id: shot for shot in (*film.shots, *film.trash)}
    chosen = frozenset(shot.clip for shot in shots.values() if shot.clip)
    if reading is not None:
        clips, texts = reading.keep(
            "clips",
            (Clip, Refinement),
            lambda: _read_clips(session, reading.rows, film.takes, chosen),
            (frozenset(film.takes), chosen),
        )
    else:
        clips, texts = _read_clips(session, FilmRows(), film.takes, chosen)
    by_id = {text.id: text for text in texts}
    picked: dict[str, Rendered] = {}
    for clip in clips:
        shot = shots.get(clip.shot_id)
        if shot is not None and (clip.id == shot.clip if shot.clip else clip.take_id == shot.picked):
            picked[shot.id] = Rendered(clip, by_id[clip.refinement_id].text)
    refined: dict[str, Refinement] = {}
    written: dict[str, Refinement] = {}
    for text in texts:
        shot = shots.get(text.shot_id)
        if text.recipe.get("refiner") != BY_HAND:
            refined[text.take_id] = text
        if shot is not None and text.id == shot.refinement and text.take_id == shot.picked:
            written[shot.id] = text
    return FilmClips(film, picked, written, refined)


def _read_clips(
    session: Session, rows: FilmRows, takes: Iterable[str], chosen: Collection[str]
) -> tuple[list[Clip], list[Refinement]]:
    """The clips of these takes and the chosen ones, and the texts of those takes and of these clips; each
    the oldest first.
    """
    counts = col(Clip.take_id).in_(takes) | col(Clip.id).in_(chosen)
    clips = rows.clips.read(session, counts, order=(col(Clip.created), col(Clip.id)))
    sources = col(Refinement.id).in_({clip.refinement_id for clip in clips})
    counts = col(Refinement.take_id).in_(takes) | sources
    texts = rows.texts.read(session, counts, order=(col(Refinement.created), col(Refinement.id)))
    return clips, texts
