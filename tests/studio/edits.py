"""Edits of every kind, for properties: each does one thing with some film, or nothing where there is nothing
to do it with. None draws.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from hypothesis import strategies as st

from engine.errors import BadInput
from engine.video.renderers import RENDERERS
from studio.service.studio import Studio
from studio.store.states import MemoryScope, Subject
from tests.studio.helpers import BOTH, ME, PICTURE, picture, shots_of
from tests.studio.test_sound import tone

Step = Callable[[Studio, str], Any]


PICTURES = (PICTURE, picture("blue"))


def film_of(studio: Studio, project: str) -> tuple[Any, ...]:
    """Everything of a project that edits change."""
    view = studio.project(ME, project)
    head = view.head.model_dump(exclude={"undo", "redo", "saved"})
    everyone = [shot.id for shot in (*view.shots, *view.trash)]
    takes = [studio.takes(ME, id) for id in everyone]
    clips = [studio.clips(ME, id) for id in everyone]
    return head, view.shots, view.trash, studio.versions(ME, project), takes, clips


said = st.sampled_from(
    [
        *({"locked": True}, {"locked": False}, {"rejected": True}, {"rejected": False}),
        *({"note": ""}, {"note": "the best one"}),
    ]
)
texts = st.sampled_from(["", "A man waits.", "{{7*7}} ${x} <b>", "Ein Mädchen – weiß", "x" * 400])
picks = st.integers(0, 9)


def at(studio: Studio, project: str, pick: int) -> str:
    """The id of some live shot."""
    shots = shots_of(studio, project)
    return shots[pick % len(shots)].id


def edit(pick: int, field: str, value: Any) -> Step:
    return lambda studio, project: studio.edit_shot(ME, at(studio, project, pick), **{field: value})


def rename_somebody(studio: Studio, project: str, name: str) -> None:
    cast = studio.project(ME, project).head.cast
    if cast:
        studio.edit_cast(ME, cast[0].id, name=name, look="in a red coat")
    else:
        studio.add_cast(ME, project, name)


def delete_one(studio: Studio, project: str, pick: int) -> None:
    if len(shots_of(studio, project)) > 1:
        studio.delete_shots(ME, [at(studio, project, pick)])


def restore_one(studio: Studio, project: str) -> None:
    trash = studio.project(ME, project).trash
    if trash:
        studio.restore_shot(ME, trash[0].id)


def shuffle(studio: Studio, project: str, pick: int) -> None:
    ids = [shot.id for shot in shots_of(studio, project)]
    studio.reorder(ME, project, ids[pick % len(ids) :] + ids[: pick % len(ids)])


def move(studio: Studio, project: str, pick: int, count: int, after: int) -> None:
    """As the page's drag does: some shots, in their order, after another one that may be in the trash."""
    view = studio.project(ME, project)
    ids = [shot.id for shot in view.shots]
    moved = (ids[pick % len(ids) :] + ids[: pick % len(ids)])[:count]
    places = [None, *(shot.id for shot in (*view.shots, *view.trash) if shot.id not in moved)]
    studio.move_shots(ME, project, moved, places[after % len(places)])


def retitle(studio: Studio, project: str, field: str, words: str) -> None:
    with contextlib.suppress(BadInput):  # a film has some title
        studio.edit_project(ME, project, **{field: words})


def reshape(studio: Studio, project: str, aspect: str) -> None:
    with contextlib.suppress(BadInput):  # the profile does not draw in that
        studio.edit_project(ME, project, aspect=aspect)


def pick_some_take(studio: Studio, project: str, pick: int) -> None:
    takes = studio.takes(ME, at(studio, project, pick))
    if takes:
        studio.pick(ME, takes[pick % len(takes)].id)


def split_one(studio: Studio, project: str, pick: int, at: int) -> None:
    shot = shots_of(studio, project)[pick % len(shots_of(studio, project))]
    if shot.attributes.length >= 12:
        studio.split_shot(ME, shot.id, 6 + at % (shot.attributes.length - 11))


def edit_two(studio: Studio, project: str, pick: int, value: str) -> None:
    ids = {at(studio, project, pick), at(studio, project, pick + 1)}
    studio.edit_shots(ME, {id: {"sound": value, "scene": 1 + pick % 3} for id in ids})


def keep_one(studio: Studio, project: str, pick: int) -> None:
    shot = studio.project(ME, project).shots[pick % len(shots_of(studio, project))]
    if shot.take_id is not None:
        studio.keep(ME, shot.id)


def unkeep_one(studio: Studio, project: str, pick: int) -> None:
    studio.unkeep(ME, at(studio, project, pick))


def relabel(studio: Studio, project: str, pick: int, slate: str) -> None:
    with contextlib.suppress(BadInput):  # another shot has that label
        studio.edit_shot(ME, at(studio, project, pick), slate=slate)


def say_of_a_take(studio: Studio, project: str, pick: int, said: dict[str, Any]) -> None:
    takes = studio.takes(ME, at(studio, project, pick))
    if takes:
        with contextlib.suppress(BadInput):  # the one in the film is not rejected
            studio.edit_take(ME, takes[pick % len(takes)].id, **said)


def choose_a_clip(studio: Studio, project: str, pick: int, keep: bool) -> None:
    shot = at(studio, project, pick)
    clips = studio.clips(ME, shot)
    with contextlib.suppress(BadInput):  # nothing to keep
        if keep:
            studio.keep_clip(ME, shot)
        elif clips:
            studio.pick_clip(ME, clips[pick % len(clips)].id)


def write_text(studio: Studio, project: str, pick: int, words: str) -> None:
    with contextlib.suppress(BadInput):  # not drawn
        studio.write_refinement(ME, at(studio, project, pick), words)


def rename_some_place(studio: Studio, project: str, name: str) -> None:
    places = studio.project(ME, project).head.places
    with contextlib.suppress(BadInput):  # the name is taken
        if places:
            studio.edit_place(ME, places[0].id, name=name, look="in the fog")
        else:
            studio.add_place(ME, project, name)


def remove_a_card(studio: Studio, project: str, pick: int) -> None:
    head = studio.project(ME, project).head
    if pick % 2 and head.cast:
        studio.remove_cast(ME, head.cast[-1].id)
    elif head.places:
        studio.remove_place(ME, head.places[-1].id)


def picture_of(studio: Studio, project: str, pick: int, subject: Subject) -> None:
    """A picture comes, or goes where there are two."""
    view = studio.project(ME, project)
    head, shot = view.head, view.shots[pick % len(view.shots)]
    owners: dict[Subject, Any] = {Subject.CAST: head.cast, Subject.PLACE: head.places, Subject.SHOT: (shot,)}
    if subject is Subject.LOOK:
        id, there = "", head.look_pictures
    elif owners[subject]:
        id, there = owners[subject][0].id, owners[subject][0].pictures
    else:
        return
    if len(there) > 1:
        studio.remove_reference(ME, there[pick % len(there)].id)
        return
    with contextlib.suppress(BadInput):  # this very picture is there already
        studio.add_reference(ME, project, subject, id, PICTURES[pick % len(PICTURES)])


@cache
def _tone() -> Path:
    return tone(Path(mkdtemp()) / "tone.wav", 0.2)


def sound(studio: Studio, project: str, pick: int) -> None:
    if studio.project(ME, project).head.sound is None:
        studio.set_sound(ME, project, _tone())
    elif pick % 3:
        studio.edit_sound(ME, project, offset=pick, volume=50 + pick, in_film=bool(pick % 2))
    else:
        studio.remove_sound(ME, project)


def use_another_version(studio: Studio, project: str, pick: int) -> None:
    versions = studio.versions(ME, project)
    if versions:
        studio.switch_version(ME, versions[pick % len(versions)].id)


def rename_a_version(studio: Studio, project: str, pick: int, name: str) -> None:
    versions = studio.versions(ME, project)
    if versions:
        studio.rename_version(ME, versions[pick % len(versions)].id, name)


def direct(studio: Studio, project: str, seed: int) -> None:
    for _ in studio.direct(ME, project, "Anna finds a lantern at the harbour", shots=2, seed=seed):
        pass


settings = st.sampled_from(
    [
        *({"fps": fps} for fps in ("24", "25", "24000/1001")),
        *({"renderer": name} for name, renderer in RENDERERS.items() if not renderer.refusal),
        *({"memory_scope": scope.value} for scope in MemoryScope),
        *(
            {"profile": "mini"},
            {"profile": "qwen-image", "aspect": "1:1"},
            {"all_profiles": True},
            {"all_profiles": False},
        ),
    ]
)
# Never the director: `direct` would ask a server that is not there.
agents = st.sampled_from(
    [
        *({role: source} for role in ("refiner", "judge") for source in ("built-in", "server", "local")),
        *({"url": url} for url in ("", "http://127.0.0.1:9/v1")),
        *({"model": "a vision model"}, {"local": "a/model", "judge": "local"}),
    ]
)
told = st.sampled_from(["title", "theme", "logline", "look"])
aspects = st.sampled_from(["", "1:1", "16:9", "9:16"])
steps = st.one_of(
    st.builds(lambda p, t: edit(p, "description", t), picks, texts),
    st.builds(lambda p, v: edit(p, "scale", v), picks, st.sampled_from(["close-up", "long shot"])),
    st.builds(lambda p, v: edit(p, "length", v), picks, st.integers(1, 500)),
    st.builds(lambda p, v: edit(p, "cast", v), picks, st.lists(st.sampled_from(["Ada", "Bo"]), max_size=2)),
    st.builds(lambda p: lambda s, f: s.insert_shot(ME, f, at(s, f, p)), picks),
    st.builds(lambda p: lambda s, f: s.duplicate_shot(ME, at(s, f, p)), picks),
    st.builds(lambda p: lambda s, f: delete_one(s, f, p), picks),
    st.just(restore_one),
    st.builds(lambda p: lambda s, f: shuffle(s, f, p), picks),
    st.builds(lambda n: lambda s, f: rename_somebody(s, f, n), st.sampled_from(["Ada", "Bo", "Cy"])),
    st.builds(lambda p, n, a: lambda s, f: move(s, f, p, n, a), picks, st.integers(1, 3), st.integers(0, 9)),
    st.builds(lambda w, t: lambda s, f: retitle(s, f, w, t), told, texts),
    st.builds(lambda a: lambda s, f: reshape(s, f, a), aspects),
    st.builds(lambda chosen: lambda s, f: s.choose_agents(ME, f, **chosen), agents),
    st.builds(lambda p, side: lambda s, f: s.pin(ME, f, at(s, f, p), side), picks, st.sampled_from(BOTH)),
    st.builds(lambda p, side: lambda s, f: s.ban(ME, f, at(s, f, p), side), picks, st.sampled_from(BOTH)),
    st.builds(lambda p: lambda s, f: pick_some_take(s, f, p), picks),
    st.builds(lambda p: lambda s, f: keep_one(s, f, p), picks),
    st.builds(lambda p, at: lambda s, f: split_one(s, f, p, at), picks, st.integers(0, 500)),
    st.builds(lambda p, t: lambda s, f: edit_two(s, f, p, t), picks, texts),
    st.builds(lambda p, side: lambda s, f: s.unpin(ME, f, at(s, f, p), side), picks, st.sampled_from(BOTH)),
    st.builds(lambda p, side: lambda s, f: s.unban(ME, f, at(s, f, p), side), picks, st.sampled_from(BOTH)),
    st.builds(lambda p: lambda s, f: unkeep_one(s, f, p), picks),
    st.builds(lambda p, v: lambda s, f: relabel(s, f, p, v), picks, st.sampled_from("ABCZ")),
    st.builds(lambda p, said: lambda s, f: say_of_a_take(s, f, p, said), picks, said),
    st.builds(lambda p, k: lambda s, f: choose_a_clip(s, f, p, k), picks, st.booleans()),
    st.builds(lambda p, t: lambda s, f: write_text(s, f, p, t), picks, texts),
    st.builds(lambda n: lambda s, f: rename_some_place(s, f, n), st.sampled_from(["Quay", "Barn"])),
    st.builds(lambda p: lambda s, f: remove_a_card(s, f, p), picks),
    st.builds(lambda p, w: lambda s, f: picture_of(s, f, p, w), picks, st.sampled_from(Subject)),
    st.builds(lambda p: lambda s, f: sound(s, f, p), picks),
    st.builds(lambda seed: lambda s, f: direct(s, f, seed), picks),
    st.builds(lambda p: lambda s, f: use_another_version(s, f, p), picks),
    st.builds(lambda p, n: lambda s, f: rename_a_version(s, f, p, n), picks, st.sampled_from(["One", "Two"])),
    st.builds(
        lambda p, t: (
            lambda s, f: s.accept_rewriting(ME, at(s, f, p), {"description": t, "scale": "close-up"})
        ),
        *(picks, texts),
    ),
    st.builds(lambda chosen: lambda s, f: s.edit_project(ME, f, **chosen), settings),
)
