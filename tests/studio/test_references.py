"""Reference pictures: what may come in, whose memory they are in, and which shots they make stale."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from engine.errors import BadInput
from studio.exchange.pictures import MAX_BYTES, check_frame, check_picture
from studio.project.lineage import Freshness
from studio.service.studio import Studio
from studio.store.errors import NotFound
from studio.store.states import Subject
from tests.studio.helpers import ME, draw_all_here, draw_here, new_film, picture, shots_of


def stale(studio: Studio, project: str) -> list[str]:
    """Why each shot is stale; "" for a fresh one."""
    shots = shots_of(studio, project)
    assert all(s.staleness.freshness is Freshness.STALE for s in shots if s.staleness.reasons)
    return [shot.staleness.text for shot in shots]


@pytest.fixture
def film(studio: Studio) -> tuple[str, list[str], dict[str, str]]:
    """Three drawn shots: Anna at the harbour, Bo at the harbour, nobody in the forest."""
    project, ids = new_film(studio, 3)
    cards = {name: studio.add_cast(ME, project, name).id for name in ("Anna", "Bo")}
    cards |= {name: studio.add_place(ME, project, name).id for name in ("The harbour", "The forest")}
    for id, cast, place in zip(
        ids, (["anna"], ["Bo"], []), ("the harbour", "The harbour", "The forest"), strict=True
    ):
        studio.edit_shot(ME, id, cast=cast, place=place)
    draw_all_here(studio, project)
    assert stale(studio, project) == ["", "", ""]
    return project, ids, cards


@pytest.mark.parametrize(
    ("subject", "card", "name", "concerned"),
    [
        (Subject.CAST, "Anna", "Anna", (True, False, False)),
        (Subject.PLACE, "The harbour", "The harbour", (True, True, False)),
        (Subject.LOOK, "", "the look", (True, True, True)),
    ],
)
def test_a_picture_makes_exactly_its_shots_stale(
    studio: Studio,
    film: tuple[str, list[str], dict[str, str]],
    subject: Subject,
    card: str,
    name: str,
    concerned: tuple[bool, ...],
) -> None:
    project, ids, cards = film
    added = studio.add_reference(ME, project, subject, cards.get(card, ""), picture())
    assert added.shots == sum(concerned)
    assert stale(studio, project) == [f"a picture of {name} was added" if c else "" for c in concerned]
    draw_all_here(studio, project)
    # It is pinned in front of all frames, and it is a condition of the take.
    for id, is_in in zip(ids, concerned, strict=True):
        packed = studio.memory(ME, id).packed
        assert [frame.key for frame in packed if frame.key.startswith("ref:")] == (
            [added.key] if is_in else []
        )
        assert not is_in or (packed[0].pinned and packed[0].current and packed[0].shot_id is None)
    studio.remove_reference(ME, added.id)
    assert [reason.split("; ")[0] for reason in stale(studio, project)] == [
        f"a picture of {name} was removed" if c else "" for c in concerned
    ]
    studio.undo(ME, project)
    assert stale(studio, project) == ["", "", ""], "undo brings it back from the trash"
    studio.undo(ME, project)
    assert studio.history(ME, project, 1)[0].label == f"add a picture of {name}"


def test_keep_holds_until_another_picture_comes(
    studio: Studio, film: tuple[str, list[str], dict[str, str]]
) -> None:
    project, ids, cards = film
    studio.add_reference(ME, project, Subject.CAST, cards["Anna"], picture())
    studio.keep(ME, ids[0])
    assert shots_of(studio, project)[0].staleness.freshness is Freshness.KEPT
    studio.add_reference(ME, project, Subject.CAST, cards["Anna"], picture("blue"))
    assert stale(studio, project)[0] == "a picture of Anna was added"
    keys = [view.key for view in studio.project(ME, project).head.cast[0].pictures]
    assert keys == ["ref:Anna", "ref:Anna 2"]


def test_a_person_who_comes_into_a_shot_brings_her_pictures(
    studio: Studio, film: tuple[str, list[str], dict[str, str]]
) -> None:
    project, ids, cards = film
    studio.add_reference(ME, project, Subject.CAST, cards["Anna"], picture())
    studio.edit_shot(ME, ids[2], cast=["Anna"])
    assert stale(studio, project)[2] == "Anna came into the shot", "said once"
    draw_here(studio, project, ids[2])
    assert studio.memory(ME, ids[2]).packed[0].key == "ref:Anna"


def test_a_new_name_keeps_the_pictures(studio: Studio, film: tuple[str, list[str], dict[str, str]]) -> None:
    project, _, cards = film
    studio.add_reference(ME, project, Subject.CAST, cards["Anna"], picture())
    draw_all_here(studio, project)
    before = len(studio.history(ME, project))
    studio.edit_cast(ME, cards["Anna"], name="Eva")
    assert len(studio.history(ME, project)) == before + 1
    assert shots_of(studio, project)[0].attributes.cast == ["Eva"]
    assert "picture" not in stale(studio, project)[0]
    assert studio.project(ME, project).head.cast[0].pictures[0].key == "ref:Eva"


def test_directing_again_keeps_the_pictures_of_those_who_stay(studio: Studio) -> None:
    theme = "An old fisherman finds a lost child on a stormy harbour at night"
    project = studio.create_project(ME).head.id
    list(studio.direct(ME, project, theme, shots=3))
    who = studio.project(ME, project).head.cast[0]
    studio.add_reference(ME, project, Subject.CAST, who.id, picture())
    list(studio.direct(ME, project, theme, shots=4))
    again = next(m for m in studio.project(ME, project).head.cast if m.name == who.name)
    assert again.id != who.id
    assert len(again.pictures) == 1
    studio.undo(ME, project)
    assert len(studio.project(ME, project).head.cast[0].pictures) == 1


def test_who_is_not_there_gets_no_picture(studio: Studio) -> None:
    project, _ = new_film(studio, 1)
    for subject, id in ((Subject.CAST, "0" * 16), (Subject.PLACE, ""), (Subject.LOOK, "x")):
        with pytest.raises(NotFound):
            studio.add_reference(ME, project, subject, id, picture())
    studio.add_reference(ME, project, Subject.LOOK, "", picture())
    with pytest.raises(BadInput, match="there already"):
        studio.add_reference(ME, project, Subject.LOOK, "", picture())


def claims(width: int, height: int) -> bytes:
    """A small file that says it is a large picture."""
    small = picture()
    header = b"IHDR" + struct.pack(">II", width, height) + small[24:29]
    return small[:12] + header + struct.pack(">I", zlib.crc32(header)) + small[33:]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a whole PNG, JPEG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a whole PNG"),
        (picture(kind="GIF"), "not a whole PNG"),
        (picture()[:-40], "not a whole PNG"),
        (picture(size=(8, 400)), "smaller than 16 pixels"),
        (b"\x89PNG" + b"0" * MAX_BYTES, "too large"),
        (claims(10_000, 6_000), "50 megapixels"),
    ],
)
def test_what_is_no_picture_is_one_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        check_picture(data)


def test_only_pixels_come_in() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at my home"
    exif[0x0112] = 6  # turned by a quarter
    out = io.BytesIO()
    Image.new("RGB", (400, 100), "green").save(out, "JPEG", exif=exif, comment=b"secret words")
    assert b"secret words" in out.getvalue()
    checked = check_picture(out.getvalue())
    assert (checked.width, checked.height) == (100, 400), "upright"
    assert b"secret" not in checked.png
    assert b"home" not in checked.png
    with Image.open(io.BytesIO(checked.png)) as image:
        assert (image.format, image.mode, image.info) == ("PNG", "RGB", {})
    webp = check_picture(picture(size=(5000, 50), kind="WEBP"))
    assert (webp.width, webp.height) == (2048, 20)


def test_transparent_and_deep_pictures() -> None:
    """A cut-out lies on white, whichever way it is clear, as a picture and as a frame."""
    red = Image.new("RGBA", (32, 32), (255, 0, 0, 255))
    red.paste((0, 0, 0, 0), (0, 0, 16, 32))
    half = Image.new("LA", (32, 32), (0, 128))
    for made, left, right in (
        (red, (255, 255, 255), (255, 0, 0)),
        (red.quantize(4), (255, 255, 255), (255, 0, 0)),
        (half, (127, 127, 127), (127, 127, 127)),
    ):
        clear = io.BytesIO()
        made.save(clear, "PNG")
        for checked in (check_picture(clear.getvalue()), check_frame(clear.getvalue(), 32, 32)):
            with Image.open(io.BytesIO(checked.png)) as image:
                assert (image.getpixel((2, 2)), image.getpixel((30, 2))) == (left, right)
    deep = io.BytesIO()
    Image.new("I;16", (32, 32), 32768).save(deep, "PNG")
    with Image.open(io.BytesIO(check_picture(deep.getvalue()).png)) as image:
        assert image.getpixel((0, 0)) == (128, 128, 128)


def test_a_frame_is_cut_to_the_film() -> None:
    frame = check_frame(picture(size=(640, 640)), 256, 128)
    with Image.open(io.BytesIO(frame.png)) as image:
        assert image.size == (256, 128)


def test_a_profile_that_has_one_shape_takes_the_aspect_along(studio: Studio) -> None:
    """The film was called 1:1, and its pictures were drawn, and recorded as 1:1, in the profile's shape."""
    project, _ = new_film(studio, 2)
    studio.edit_project(ME, project, profile="qwen-image", aspect="1:1")
    draw_all_here(studio, project)
    studio.edit_project(ME, project, profile="qwen-image-edit")
    assert studio.project(ME, project).head.aspect == "1:1", "this one draws it"
    studio.edit_project(ME, project, profile="mini")
    head = studio.project(ME, project).head
    assert head.undo is not None
    assert (head.aspect, head.undo.label) == ("", "change the profile and aspect of the film")
    assert stale(studio, project) == ["the aspect of the film changed"] * 2
    studio.undo(ME, project)
    head = studio.project(ME, project).head
    assert (head.profile, head.aspect) == ("qwen-image-edit", "1:1")
    studio.edit_project(ME, project, aspect="")
    studio.edit_project(ME, project, profile="mini")
    undo = studio.project(ME, project).head.undo
    assert undo is not None
    assert undo.label == "change the profile of the film"


def test_a_profile_offers_its_aspects(studio: Studio) -> None:
    project, _ = new_film(studio, 2)
    draw_all_here(studio, project)
    head = studio.project(ME, project).head
    assert (head.aspects, head.aspect) == ((), "")
    with pytest.raises(BadInput, match="256x128 pixels only"):
        studio.edit_project(ME, project, aspect="16:9")
    studio.edit_project(ME, project, profile="qwen-image", aspect="1:1")
    head = studio.project(ME, project).head
    assert (head.width, head.height, head.aspect) == (1328, 1328, "1:1")
    assert stale(studio, project) == ["the aspect of the film changed"] * 2
    with pytest.raises(BadInput, match="does not draw in 7:3"):
        studio.edit_project(ME, project, aspect="7:3")
