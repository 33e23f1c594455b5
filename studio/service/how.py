"""How a take was drawn, in words: its conditions, its recipe and its memory pack, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from engine.profile import Mode
from engine.profiles import mode_of
from engine.story import FrameSide
from studio.project.conditions import Conditions, Kept, KeptSource, Packed, Words
from studio.service.take_views import FactView
from studio.store.tables import Take

_RECIPE = (
    ("seed", "Seed"),
    ("steps", "Steps"),
    ("guidance", "Guidance"),
    ("memory_guidance", "Memory guidance"),
    ("profile", "Profile"),
    ("weights", "Weights"),
    ("batch", "Takes drawn together"),
    ("device", "Device"),
    ("dtype", "Number format"),
)


def facts(take: Take) -> tuple[FactView, ...]:
    """Everything that is recorded with a take, in the order to be read; empty things are left out."""
    recorded = Conditions.model_validate(take.conditions)
    lines = (*_words(recorded.words), *_history(recorded, take), *_recipe(take))
    return tuple(FactView(name=name, value=value) for name, value in lines if value)


def _words(words: Words) -> Iterator[tuple[str, str]]:
    yield "Description", words.description
    yield "Camera", ", ".join((words.scale, words.angle, words.movement))
    yield "Place", _look(words.place, words.place_look)
    yield "Time and weather", ", ".join(filter(None, (words.time, words.weather)))
    yield "Cast", "; ".join(_look(card.name, card.look) for card in words.cast)
    yield "Look of the film", words.look


def _history(recorded: Conditions, take: Take) -> Iterator[tuple[str, str]]:
    previous = recorded.previous
    yield "Previous end frame", f"{previous.key}, picture {previous.sha256[:12]}" if previous else "none"
    if recorded.kept is not None:
        yield "Given frame", _kept(recorded.kept)
    pack = [Packed.model_validate(frame) for frame in take.memory]
    yield "Memory", "; ".join(map(_packed, pack)) or "empty"
    yield (
        "Reference pictures",
        ", ".join(f"{ref.key}, picture {ref.sha256[:12]}" for ref in recorded.references),
    )
    yield "Pinned", ", ".join(ref.key for ref in recorded.pins)
    yield "Banned", ", ".join(ref.key for ref in recorded.bans)
    yield "Aspect", recorded.aspect
    yield "Prompt", recorded.prompt


def _kept(kept: Kept) -> str:
    match kept.source:
        case KeptSource.TAKE:
            told = "kept from the take before"
        case KeptSource.PREVIOUS:
            told = f"the end frame {kept.key} of the shot before, exactly"
        case KeptSource.UPLOAD:
            told = "an uploaded picture"
    return f"the {'start' if kept.side is FrameSide.START else 'end'}: {told}, picture {kept.sha256[:12]}"


def _packed(frame: Packed) -> str:
    alike = "" if frame.similarity is None else f", alike {frame.similarity:.2f}"
    return f"{frame.key} {frame.share:.0%}{alike}{', pinned' if frame.pinned else ''}"


def _recipe(take: Take) -> Iterator[tuple[str, str]]:
    recipe = take.recipe
    yield "Drawn", "elsewhere; it came with the film" if take.imported else f"in {take.seconds:.1f} s"
    for name, label in _RECIPE:
        if name in recipe:
            yield label, str(recipe[name])
        if name == "profile":
            yield "Mode", _mode(recipe.get(name, ""))
    if "width" in recipe and "height" in recipe:
        yield "Size", f"{recipe['width']} x {recipe['height']}"
    yield "Versions", ", ".join(f"{name} {version}" for name, version in recipe.get("versions", {}).items())
    yield "Pictures", f"start {take.start_sha256}, end {take.end_sha256}"


def _mode(profile: str) -> str:
    """How the profile of that name makes a pair; "" for one that there is no more."""
    match mode_of(profile):
        case None:
            return ""
        case Mode.PAIRS:
            return "pairs, both frames in one drawing"
        case Mode.ZERO_SHOT:
            return "zero-shot, the end frame as an edit of the start"
        case Mode.HOSTED:
            return "zero-shot by a service, the end frame as an edit of the start"


def _look(name: str, look: str) -> str:
    return f"{name} ({look})" if name and look else name
