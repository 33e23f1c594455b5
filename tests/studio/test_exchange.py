"""Ways in and out: provenance, the bundle, the example film."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.errors import BadInput
from studio.exchange import drawn_film
from studio.exchange.drawn_film import read_film
from studio.exchange.provenance import with_provenance, without_metadata
from studio.project.lineage import Freshness
from studio.service.studio import Studio
from studio.store.blobs import Blobs
from tests.studio.helpers import ME, YOU, draw_all_here, new_film, shots_of, wait_for_jobs


def png(colour: str = "navy") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (256, 128), colour).save(out, "PNG")
    return out.getvalue()


def test_provenance_goes_in_and_comes_out_byte_for_byte() -> None:
    plain = png()
    told = with_provenance(plain, '{"seed": 7, "who": "Ähre"}')
    picture = Image.open(io.BytesIO(told))
    assert json.loads(picture.text["stage"]) == {"seed": 7, "who": "Ähre"}  # type: ignore[attr-defined]
    assert picture.tobytes() == Image.open(io.BytesIO(plain)).tobytes()
    assert without_metadata(told) == plain


@pytest.mark.parametrize("data", [b"", b"GIF89a", png()[:60], png()[:-4]])
def test_what_is_no_whole_png_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="PNG"):
        without_metadata(data)


def a_film_from_the_command_line(folder: Path) -> Path:
    """A film as the first `stage film` wrote it, without cast, looks and boxes: two shots, the second one
    remembers and has a pin.
    """
    (folder / "film.frames").mkdir(parents=True)

    def shot(number: int, memory: list[dict[str, Any]]) -> dict[str, Any]:
        names = {side: f"film.frames/{number:03d}-{side}.png" for side in ("start", "end")}
        for i, name in enumerate(names.values()):
            (folder / name).write_bytes(png(f"#{number:02d}{i:02d}80"))
        length = {"seconds": 2.5, "frames": 60}
        attributes = {"scale": "long shot", "length": length, "cast": ["Ada"], "place": "the harbour"}
        lineage = {
            "seed": 5,
            "steps": 16,
            "guidance": 1.5,
            "profile": "mini",
            "weights": "abc",
            "memory": memory,
        }
        return {
            "description": f"Moment {number}.",
            "attributes": attributes,
            "refined": "Nothing moves.",
            **names,
            "lineage": lineage,
        }

    memory = [
        {"frame": "1E", "rank": 1, "share": 0.5, "similarity": None, "pinned": True},
        {"frame": "1S", "rank": 2, "share": 0.25, "similarity": 0.3, "pinned": False},
    ]
    film = {
        "title": "The lost child",
        "theme": "a theme",
        "fps": 24.0,
        "rate": "24",
        "shots": [shot(1, []), shot(2, memory)],
    }
    (folder / "film.json").write_text(json.dumps(film))
    return folder


def test_an_example_is_a_drawn_film_that_is_not_stale(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_film_from_the_command_line(tmp_path / "examples" / "harbour")
    monkeypatch.setattr(drawn_film, "EXAMPLES", tmp_path / "examples")
    view = studio.example(ME)
    assert view is not None
    assert view.head.title == "The lost child"
    assert [shot.staleness.freshness for shot in view.shots] == [Freshness.FRESH] * 2
    assert [shot.attributes.length for shot in view.shots] == [60, 60]
    assert [mark.key for mark in view.head.marks] == ["1E"]
    memory = studio.memory(ME, view.shots[1].id)
    assert [(f.key, f.rank, f.pinned, f.current) for f in memory.packed] == [
        ("1E", 1, True, True),
        ("1S", 2, False, True),
    ]
    assert [f.box for f in memory.packed] == [(0, 0, 64, 64), (0, 64, 32, 64)]
    assert memory.grid == (64, 128)
    (take,) = studio.takes(ME, view.shots[0].id)
    assert (take.lineage.seed, take.lineage.imported, take.lineage.width) == (5, True, 256)
    assert studio.example(ME) is None, "only for an owner without any project"
    studio.delete_project(ME, view.head.id)
    assert studio.example(ME) is None, "who threw it away does not want it back"
    assert studio.example(YOU) is not None
    studio.edit_shot(YOU, studio.project(YOU, studio.projects(YOU)[0].id).shots[0].id, scale="close-up")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda film: film.pop("title"), "not a film"),
        (lambda film: film.update(rate="fast"), "not a film"),
        (lambda film: film["shots"][0]["attributes"].update(scale="huge"), "not a film"),
        (lambda film: film["shots"][0].update(start="../../secret.png"), "outside of its folder"),
        (lambda film: film["shots"][0].update(start="gone.png"), "is missing"),
    ],
)
def test_a_film_that_cannot_be_read(tmp_path: Path, change: Any, sentence: str) -> None:
    folder = a_film_from_the_command_line(tmp_path / "film")
    film = json.loads((folder / "film.json").read_text())
    change(film)
    (folder / "film.json").write_text(json.dumps(film))
    blobs = Blobs(tmp_path / "blobs")
    blobs.prepare()
    with pytest.raises(BadInput, match=sentence):
        read_film(folder, blobs)


@pytest.mark.slow
def test_the_bundle_can_be_taken_away_and_brought_back(working: Studio, tmp_path: Path) -> None:
    project, ids = new_film(working, 2)
    ada = working.add_cast(ME, project, "Ada", "a woman in a red coat")
    working.edit_shot(ME, ids[0], cast=[ada.name], length=6)
    working.edit_shot(ME, ids[1], length=8)
    draw_all_here(working, project)
    working.edit_shot(ME, ids[0], title="Letter night", locked=True)
    working.edit_shot(ME, ids[1], description="It was drawn from other words.")
    working.export(ME, project)
    wait_for_jobs(working, project, 120)
    film = working.film(ME, project)
    assert film is not None
    name, _, key = film.bundle_url.removeprefix("/media/").partition("?k=")
    media = working.media_path(name, key)
    assert media.content_type == "application/zip"
    assert media.path == working.bundle(ME, project)
    with zipfile.ZipFile(media.path) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "film")
    assert (tmp_path / "film" / "film.mp4").read_bytes() == working.film_path(ME, project).read_bytes()
    told = json.loads((tmp_path / "film" / "film.json").read_text())
    assert told["shots"][0]["attributes"]["length"] == {"seconds": 0.25, "frames": 6}
    assert [m["frame"] for m in told["shots"][1]["lineage"]["memory"]] == ["1E", "1S"]
    drawn = read_film(tmp_path / "film", working.home.blobs)
    takes = [working.takes(ME, shot.id)[0] for shot in shots_of(working, project)]
    assert drawn.frames == tuple((take.start_sha256, take.end_sha256) for take in takes)
    assert drawn.manifest.cast[0].look == "a woman in a red coat"

    before = working.project(ME, project)
    again = working.open_film(YOU, media.path)
    assert media.path.is_file(), "the file that is opened stays where it is"
    assert again.head.title == before.head.title
    assert [(s.title, s.locked, s.staleness) for s in again.shots] == [
        (s.title, s.locked, s.staleness) for s in before.shots
    ]
    assert [s.staleness.text for s in again.shots] == ["", "the description changed"]
    assert [s.attributes for s in again.shots] == [s.attributes for s in before.shots]
    taken = [working.takes(YOU, shot.id)[0] for shot in again.shots]
    assert [(t.start_sha256, t.end_sha256) for t in taken] == list(drawn.frames)
    assert [m.key for m in working.memory(YOU, again.shots[1].id).packed] == ["1E", "1S"]
    assert list(working.home.cache.glob("film-*/")) == [], "what was unpacked is gone"


def test_a_film_of_the_command_line_comes_in_with_all_that_it_says(studio: Studio, tmp_path: Path) -> None:
    """A film.json as `stage film` writes it now: cast, places, looks, the recipe and where the memory lay."""
    folder = a_film_from_the_command_line(tmp_path / "film")
    film = json.loads((folder / "film.json").read_text())
    film |= {
        "logline": "A child is found.",
        "look": "soft light",
        "cast": [{"name": "Ada", "look": "a woman in a red coat"}],
        "places": [{"name": "the harbour", "look": "wet stones", "interior": "EXT"}],
    }
    film["shots"][1] |= {"scene": 3, "slate": "C"}
    lineage = film["shots"][1]["lineage"]
    lineage |= {"batch": 2, "dtype": "float32", "device": "cpu", "versions": {"torch": "2.8"}}
    lineage["memory"][0]["box"], lineage["memory"][1]["box"] = [0, 0, 4, 4], [0, 4, 2, 4]
    (folder / "film.json").write_text(json.dumps(film))
    drawn = read_film(folder, studio.home.blobs)
    with studio.home.database.write() as session:
        project = drawn_film.add_film(session, ME, drawn).id
    view = studio.project(ME, project)
    assert (view.head.logline, view.head.look) == ("A child is found.", "soft light")
    assert [(member.name, member.look) for member in view.head.cast] == [("Ada", "a woman in a red coat")]
    assert [(place.name, place.look) for place in view.head.places] == [("the harbour", "wet stones")]
    assert (view.shots[1].scene, view.shots[1].slate) == (3, "C")
    assert [shot.staleness.freshness for shot in view.shots] == [Freshness.FRESH] * 2
    (take,) = studio.takes(ME, view.shots[1].id)
    assert (take.lineage.batch, take.lineage.versions) == (2, {"torch": "2.8"})
    memory = studio.memory(ME, view.shots[1].id)
    assert [f.box for f in memory.packed] == [(0, 0, 4, 4), (0, 4, 2, 4)]
    assert memory.grid == (4, 8)
