"""A film.zip that was taken away is opened again: any film as it was, and nothing of what is no film."""

from __future__ import annotations

import json
import os
import tempfile
import time
import tracemalloc
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.errors import BadInput
from engine.manifest import FilmManifest, LineageRecord, ShotRecord, write_manifest
from engine.story import (
    CastMember,
    CinematicAttributes,
    FrameRate,
    Interior,
    Movement,
    Place,
    Scale,
    Shot,
    Storyboard,
    TimeOfDay,
)
from studio.exchange import unpack
from studio.project.film import load_film, owned_project
from studio.project.lineage import Freshness
from studio.service.studio import Studio
from studio.store.home import LEFT_OVER_SECONDS, WORK
from studio.store.tables import Take
from tests.examples import examples
from tests.studio.helpers import ME, PAINTER
from tests.studio.test_exchange import a_film_from_the_command_line, png

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
names = st.sampled_from(["Ada", "the keeper", "<b>Öl</b>", "${x}", "{{y}}"])
attributes = st.builds(
    CinematicAttributes,
    scale=st.sampled_from(Scale),
    movement=st.sampled_from(Movement),
    time=st.sampled_from(TimeOfDay),
    length=st.integers(1, 24 * 600),
    place=names,
    weather=words,
    cast=st.lists(names, max_size=3, unique=True),
    dialogue=words,
    notes=words,
)
shots = st.builds(
    Shot, description=words, attributes=attributes, scene=st.integers(1, 99), slate=st.just("B")
)
films = st.builds(
    Storyboard,
    title=words.map(lambda text: f"A {text}"),
    theme=words,
    logline=words,
    look=words,
    rate=st.sampled_from([FrameRate(), FrameRate(numerator=24000, denominator=1001)]),
    cast=st.lists(st.builds(CastMember, name=names, look=words), max_size=3),
    places=st.lists(st.builds(Place, name=names, look=words, interior=st.sampled_from(Interior)), max_size=2),
    shots=st.lists(shots, min_size=1, max_size=4),
)
HOW = LineageRecord(seed=2**63 - 1, steps=16, guidance=1.5, profile="mini", weights="abc", memory=())


def write_film(board: Storyboard, folder: Path) -> None:
    """A film.json with one pair for all shots."""
    for side in ("start", "end"):
        (folder / f"{side}.png").write_bytes(png())
    records = [
        ShotRecord.of(shot, board.rate, "Nothing moves.", "start.png", "end.png", HOW) for shot in board.shots
    ]
    write_manifest(folder / "film.json", FilmManifest.of(board, records))


@examples(12)
@given(films)
def test_any_film_is_opened_as_it_was(studio: Studio, board: Storyboard) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "film"
        folder.mkdir()
        write_film(board, folder)
        view = studio.open_film(ME, zipped(folder, Path(name) / "film.zip"))
    with studio.home.database.read() as session:
        found = load_film(session, owned_project(session, ME, view.head.id)).storyboard()
    assert found == board
    assert {shot.staleness.freshness for shot in view.shots} == {Freshness.FRESH}
    assert all(studio.takes(ME, shot.id)[0].lineage.seed == HOW.seed for shot in view.shots)


def zipped(folder: Path, target: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, f"{inside}{path.relative_to(folder)}")
    return target


def test_a_zip_of_a_folder_and_a_memory_that_did_not_come_along(studio: Studio, tmp_path: Path) -> None:
    """A film of the command line, zipped by hand; its pack names a frame of a shot that was deleted."""
    folder = a_film_from_the_command_line(tmp_path / "film")
    film = json.loads((folder / "film.json").read_text())
    film["shots"][1]["lineage"]["memory"][1]["frame"] = "?E"
    (folder / "film.json").write_text(json.dumps(film))
    (folder / "notes.txt").write_text("not of the film")
    view = studio.open_film(ME, zipped(folder, tmp_path / "film.zip", "my film/"))
    assert [s.description for s in view.shots] == ["Moment 1.", "Moment 2."]
    assert [m.key for m in studio.memory(ME, view.shots[1].id).packed] == ["1E"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda film: film["shots"][0].update(start="../film.json"), "outside of its folder"),
        (lambda film: film["shots"][0].update(start="/etc/hostname"), "outside of its folder"),
        (lambda film: film["shots"][0].update(start="a\0b.png"), "outside of its folder"),
        (lambda film: film["shots"][0].update(start="a" * 300), "outside of its folder"),
        (lambda film: film["shots"][0].update(start="large.png/x.png", end="large.png"), "15 MB|is missing"),
        (lambda film: film["shots"][0].update(start="drawing.png"), "not a whole PNG"),
        (lambda film: film["shots"][0].update(start="huge.png"), "not a whole PNG"),
        (lambda film: film["shots"][0]["lineage"].update(batch=3_000_000), "of this zip is not a film"),
        (lambda film: film["shots"][0]["lineage"].update(batch=0), "not a film"),
        (lambda film: film["shots"][0]["lineage"].update(steps=10**9), "not a film"),
        (lambda film: film["shots"][0]["lineage"].update(seed=10**40), "not a film"),
        (lambda film: film["shots"][0]["lineage"].update(guidance=float("nan")), "not a film"),
        (lambda film: film["shots"][1]["lineage"]["memory"][0].update(share=0.0), "not a film"),
        (lambda film: film["shots"][1].update(end="gone.png"), "is missing"),
        (lambda film: film["shots"][0].update(start="film.json"), "not a whole PNG"),
        (lambda film: film["shots"][0].update(start="large.png"), "15 MB"),
        (lambda film: film["shots"][0].update(end="wide.png"), "not of one size"),
        (lambda film: film["shots"][0]["lineage"].update(profile="qwen-image-99"), "qwen-image-99"),
        (lambda film: film.update(title="x" * 300), "not a film"),
        (lambda film: film.update(shots=film["shots"] * 251), "not a film"),
    ],
)
def test_a_zip_that_cannot_be_opened_leaves_nothing_behind(
    studio: Studio, tmp_path: Path, change: Any, sentence: str
) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    (folder / "large.png").write_bytes(bytes(15_000_001))
    Image.new("RGB", (512, 256)).save(folder / "wide.png")
    Image.new("RGB", (64, 64)).save(folder / "drawing.png", "EPS")
    Image.new("1", (8000, 7000)).save(folder / "huge.png")
    film = json.loads((folder / "film.json").read_text())
    change(film)
    (folder / "film.json").write_text(json.dumps(film))
    with pytest.raises(BadInput, match=sentence):
        studio.open_film(ME, zipped(folder, tmp_path / "film.zip"))
    assert studio.all_projects(ME) == ()
    assert list(studio.home.cache.iterdir()) == []


@pytest.mark.parametrize("key", ["²E", "1" * 5000 + "E", "0S", "E", "", "-1S", "٣E"])
def test_a_memory_of_what_is_no_frame_of_the_film(studio: Studio, tmp_path: Path, key: str) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    film = json.loads((folder / "film.json").read_text())
    film["shots"][1]["lineage"]["memory"][1]["frame"] = key
    (folder / "film.json").write_text(json.dumps(film))
    view = studio.open_film(ME, zipped(folder, tmp_path / "film.zip"))
    assert [m.key for m in studio.memory(ME, view.shots[1].id).packed] == ["1E"]


def test_a_film_of_another_shape_goes_on_in_it(studio: Studio, tmp_path: Path) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    film = json.loads((folder / "film.json").read_text())
    for shot in film["shots"]:
        shot["lineage"]["profile"] = "qwen-image-edit"
        for side in ("start", "end"):
            Image.new("RGB", (928, 1664)).save(folder / shot[side])
    (folder / "film.json").write_text(json.dumps(film))
    view = studio.open_film(ME, zipped(folder, tmp_path / "film.zip"))
    assert view.head.aspect == "9:16"
    assert {shot.staleness.freshness for shot in view.shots} == {Freshness.FRESH}


def test_only_what_makes_the_picture_comes_in(studio: Studio, tmp_path: Path) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    film = json.loads((folder / "film.json").read_text())
    path = folder / film["shots"][0]["start"]
    plain = path.read_bytes()
    at = plain.index(b"IDAT") - 4
    body = b"stOw" + b"a private chunk"
    chunk = len(body[4:]).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    path.write_bytes(plain[:at] + chunk + plain[at:])
    view = studio.open_film(ME, zipped(folder, tmp_path / "film.zip"))
    take = studio.takes(ME, view.shots[0].id)[0]
    with studio.home.database.read() as session:
        stored = session.get_one(Take, take.id).start_sha256
    assert studio.home.frame(stored).read_bytes() == plain


def test_frames_larger_than_any_film_are_refused_before_they_are_unpacked(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    monkeypatch.setattr(unpack, "LARGEST_FILM", 100)
    with pytest.raises(BadInput, match="larger than any film"):
        studio.open_film(ME, zipped(folder, tmp_path / "film.zip"))
    assert list(studio.home.cache.iterdir()) == []


def test_an_entry_without_a_name_is_no_trouble(studio: Studio, tmp_path: Path) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    file = zipped(folder, tmp_path / "film.zip")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(zipfile.ZipInfo(""), b"?")
    with suppress(BadInput):  # as some versions of Python cannot read it
        studio.open_film(ME, file)
    assert list(studio.home.cache.iterdir()) == []


def test_a_picture_that_every_shot_names_is_read_once(studio: Studio, tmp_path: Path) -> None:
    """A zip of a few kilobytes may name one picture a thousand times."""
    folder = a_film_from_the_command_line(tmp_path / "film")
    film = json.loads((folder / "film.json").read_text())
    Image.frombytes("RGB", (512, 512), os.urandom(3 * 512 * 512)).save(folder / "one.png")
    film["shots"] = [{**film["shots"][0], "start": "one.png", "end": "one.png", "slate": ""}] * 400
    (folder / "film.json").write_text(json.dumps(film))
    tracemalloc.start()
    project = studio.open_film(ME, zipped(folder, tmp_path / "film.zip"))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(project.shots) == 400
    assert most < 100 * (folder / "one.png").stat().st_size, "not 800 times"


def test_what_a_killed_studio_was_unpacking_goes(home: Path) -> None:
    with Studio(home, PAINTER) as first:
        old, young = (first.home.cache / f"{WORK}{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
        (folder / "frame.png").write_bytes(b"?")
    long_ago = time.time() - LEFT_OVER_SECONDS - 10
    os.utime(old, (long_ago, long_ago))
    with Studio(home, PAINTER):
        assert not old.exists()
        assert young.exists(), "another process may be at it"


def flagged(file: bytes, flag: int) -> bytes:
    """A zip of which every entry has this flag, in both places."""
    changed = bytearray(file)
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = file.index(signature)
        while at >= 0:
            changed[at + flags] |= flag
            at = file.find(signature, at + 1)
    return bytes(changed)


def test_what_is_no_zip_of_one_film_is_refused(studio: Studio, tmp_path: Path) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    whole = zipped(folder, tmp_path / "film.zip").read_bytes()
    files = {
        "text.zip": (b"not a zip", "not a whole zip"),
        "half.zip": (whole[: len(whole) // 2], "not a whole"),
    }
    damaged = bytearray(whole)
    at = whole.index(b"Moment 1.")
    damaged[at : at + 6] = b"Damage"
    directory = whole.rindex(b"PK\x05\x06") + 16  # where the list of entries is said to begin
    late = int.from_bytes(whole[directory : directory + 4], "little") + 1000
    files["shifted.zip"] = (
        whole[:directory] + late.to_bytes(4, "little") + whole[directory + 4 :],
        "not a whole zip",
    )
    files["locked.zip"] = (flagged(whole, 0x01), "encrypted")
    files["patched.zip"] = (flagged(whole, 0x20), "not a whole zip")  # its data are changes of another file
    files["damaged.zip"] = (bytes(damaged), "not a whole zip")
    for name, (data, sentence) in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadInput, match=sentence):
            studio.open_film(ME, tmp_path / name)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a/film.json", "{}")
        archive.writestr("b/film.json", "{}")
    with pytest.raises(BadInput, match="2 films"):
        studio.open_film(ME, tmp_path / "two.zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("photo.png", png())
    with pytest.raises(BadInput, match=r"no film\.json"):
        studio.open_film(ME, tmp_path / "none.zip")
    assert studio.all_projects(ME) == ()
