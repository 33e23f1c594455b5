"""The newest exported film as the page shows it, and whether the film is still what was exported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from studio.exchange.zips import ZipKind
from studio.jobs.orders import export_sound
from studio.project.clips import ClipConditions, FilmClips
from studio.project.film import ATTRIBUTES, FilmState
from studio.service.media import Signer
from studio.service.times import moment
from studio.service.views import FilmView
from studio.store.tables import CastMember, Film, Place, Shot

_SAID = (*(name for name in ATTRIBUTES if name != "notes"), "description", "scene", "slate", "title")
"""What an export says of a shot; notes, locks, pins and bans are for those who make the film."""


def film_view(row: Film, film: FilmState, clips: FilmClips, signer: Signer) -> FilmView:
    """`row` is the newest export of `film`."""
    return FilmView(
        url=signer.url(row.owner, row.sha256, "mp4"),
        bundle_url=signer.url(row.owner, ZipKind.FILM.address(row.id), "zip"),
        created=moment(row.created),
        seconds=film.rate.seconds(row.frames),
        stale=_other_clips(row, film, clips) or _other_sound(row, film) or _other_words(row, film),
    )


def _other_clips(row: Film, film: FilmState, clips: FilmClips) -> bool:
    used = row.conditions.get("used")
    if used is None:  # a film of an earlier version knows its clips by their conditions only
        then = [ClipConditions.model_validate(clip) for clip in row.conditions["clips"]]
        return then != [clips.wanted(shot) for shot in film.shots]
    return bool(used != [clips.usable(shot) for shot in film.shots])


def _other_sound(row: Film, film: FilmState) -> bool:
    sound = export_sound(film.project)
    return bool(row.conditions.get("sound") != (sound.model_dump(mode="json") if sound else None))


def _other_words(row: Film, film: FilmState) -> bool:
    """Whether film.json and the subtitles of an export say something else than the film does now.

    Only what the export says is compared: one of an earlier version says less. Compared as it is stored,
    because every change of a film asks this.
    """
    then: dict[str, Any] = row.manifest
    project = film.project
    names = [(name, getattr(project, name)) for name in ("title", "theme", "logline", "look")]
    told = [*names, ("rate", str(film.rate)), ("cast", _cards(film.cast)), ("places", _cards(film.places))]
    written = dict(then)
    for kind in ("cast", "places"):
        if kind in then:
            written[kind] = [_card(card) for card in then[kind]]
    if any(name in written and written[name] != value for name, value in told):
        return True
    if len(then["shots"]) != len(film.shots):
        return True
    return any(_differ(was, shot) for was, shot in zip(then["shots"], film.shots, strict=True))


def _cards(rows: Iterable[CastMember | Place]) -> list[tuple[str, str]]:
    return [(row.name, row.look) for row in rows]


def _card(written: dict[str, Any]) -> tuple[str, str]:
    return written["name"], written.get("look", "")


def _differ(written: dict[str, Any], shot: Shot) -> bool:
    """Whether a shot of film.json (see `ShotRecord`) says something else than its row."""
    fields = {**written, **written["attributes"]}
    if isinstance(fields.get("length"), dict):
        fields["length"] = fields["length"]["frames"]
    return any(fields[name] != getattr(shot, name) for name in _SAID if name in fields)
