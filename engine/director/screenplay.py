"""A screenplay as a beat sheet: action paragraphs give lines, speeches go to the shot of who speaks."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass, field, replace

from engine.director.beats import Line, Role
from engine.director.breakdown import Breakdown
from engine.director.denied import first_there
from engine.director.english import sentences
from engine.director.fountain import Action, Scene, Script, Speech
from engine.director.people import Kind, Wardrobe, kind_of, kind_of_name, part_of
from engine.director.phrasebook import EventKind
from engine.director.places import Spot, named_spot
from engine.errors import BadInput
from engine.story import CastMember, Interior, TimeOfDay
from engine.vocabulary import Vocabulary

_LONGEST = 400


@dataclass
class _Unit:
    """What one shot shows: some action, some talk, of one scene."""

    scene: int
    text: str = ""
    speeches: list[Speech] = field(default_factory=list)
    role: Role = Role.EVENT
    speaker: str = ""


def read_screenplay(
    script: Script, shots: int, vocabulary: Vocabulary, rng: random.Random, people_only: bool = True
) -> tuple[Breakdown, list[Line]]:
    """The cast and exactly `shots` lines of a screenplay, every scene with at least one.

    `people_only`: whoever is no human is played by one.
    Raises BadInput where the screenplay has more scenes than shots were asked for, or nothing in it.
    """
    scenes = script.scenes
    if not scenes:
        raise BadInput(
            "The screenplay has no scenes with anything in them: write some action under its headings."
        )
    if len(scenes) > shots:
        raise BadInput(f"The screenplay has {len(scenes)} scenes: ask for at least {len(scenes)} shots.")
    found = _cast(script, vocabulary, rng, people_only)
    units = [u for i, scene in enumerate(scenes) for u in _units(scene, i)]
    while len(units) > shots:
        _merge(units)
    units = _expand(units, shots, scenes)
    return found, _lines(units, scenes, found, vocabulary)


def _cast(script: Script, vocabulary: Vocabulary, rng: random.Random, people_only: bool) -> Breakdown:
    """Everybody with a cue, in the order in which the script names them, each with the look it gives them."""
    found = Breakdown()
    actions = [i.text for s in script.scenes for i in s.items if isinstance(i, Action)]
    words = " ".join(actions)
    wardrobe = Wardrobe(vocabulary, rng)
    items = [i for s in script.scenes for i in s.items]
    cues = dict.fromkeys(i.character for i in items if isinstance(i, Speech))
    told = [i.text if isinstance(i, Action) else i.character for i in items]
    order = {name: next(n for n, text in enumerate(told) if _names(name, text)) for name in cues}
    for name in sorted(cues, key=lambda n: order[n])[:200] or _named_in_capitals(actions):
        introduced = next(
            (p for p in sentences(words) if re.search(rf"\b{re.escape(name)}\b", p, re.IGNORECASE)), name
        )
        kind = (
            kind_of(name.casefold(), vocabulary, rng)
            or _described(introduced, vocabulary)
            or kind_of_name(name, rng)
        )
        look, part = wardrobe.look(kind, introduced, ""), part_of(name)
        if part:
            look = f"{look}, standing in for {part}" if people_only else part
            found.creatures.append(name)
        found.cast.append(CastMember(name=name, look=look))
    return found


def _described(sentence: str, vocabulary: Vocabulary) -> Kind | None:
    person = vocabulary.first(sentence, "person")
    return Kind(person) if person else None


def _named_in_capitals(actions: list[str]) -> list[str]:
    """Names set in capitals where they first appear, as screenplays without dialogue do."""
    names = (m for a in actions for m in re.findall(r"\b[A-Z]{3,20}(?: [A-Z]{2,20})?\b", a))
    return list(dict.fromkeys(n[:1] + n[1:].lower() for n in names))[:20]


def _units(scene: Scene, index: int) -> list[_Unit]:
    """A unit a paragraph; a speech joins the paragraph before it, or opens one after another speaker's."""
    units: list[_Unit] = []
    item: Action | Speech
    for item in scene.items:
        if isinstance(item, Action):
            units.append(_Unit(index, item.text))
        elif units and (not units[-1].speeches or units[-1].speaker == item.character):
            units[-1].speeches.append(item)
            units[-1].speaker = "" if item.unseen else item.character
        elif item.unseen:
            units.append(_Unit(index, "", [item], Role.CUTAWAY))
        else:
            units.append(_Unit(index, "", [item], Role.REACTION, item.character))
    return units or [_Unit(index, role=Role.ESTABLISH)]


def _merge(units: list[_Unit]) -> None:
    """Joins the two neighbours of one scene that are shortest together."""
    pairs = [i for i in range(len(units) - 1) if units[i].scene == units[i + 1].scene]
    best = min(pairs, key=lambda i: len(units[i].text) + len(units[i + 1].text) + 40 * len(units[i].speeches))
    first, second = units[best], units.pop(best + 1)
    first.text = " ".join(t for t in (first.text, second.text) if t)
    first.speeches += second.speeches
    first.speaker = first.speaker or second.speaker


def _expand(units: list[_Unit], shots: int, scenes: list[Scene]) -> list[_Unit]:
    """More shots: an establishing one a scene, then sentence by sentence, then coverage of who is there."""
    for index in range(len(scenes)):
        at = next(i for i, u in enumerate(units) if u.scene == index)
        if len(units) < shots and scenes[index].place and units[at].role is not Role.ESTABLISH:
            units.insert(at, _Unit(index, role=Role.ESTABLISH))
    while len(units) < shots:
        longest = max(units, key=lambda u: len(sentences(u.text)))
        parts = sentences(longest.text)
        if len(parts) < 2:
            break
        half = (len(parts) + 1) // 2
        at = units.index(longest)
        units.insert(at + 1, replace(longest, text=" ".join(parts[half:])))
        longest.text, longest.speeches, longest.speaker = " ".join(parts[:half]), [], ""
    coverage = (Role.REACTION, Role.CUTAWAY)
    step = 0
    while len(units) < shots:
        at = (step * 2 + 1) % len(units)
        units.insert(at + 1, _Unit(units[at].scene, role=coverage[step % 3 == 2], speaker=units[at].speaker))
        step += 1
    return units


def _lines(units: list[_Unit], scenes: list[Scene], found: Breakdown, vocabulary: Vocabulary) -> list[Line]:
    names = [c.name for c in found.cast]
    spots = [_spot(s, vocabulary) for s in scenes]
    numbers = _numbers(scenes)
    lines: list[Line] = []
    time, weather = TimeOfDay.DAY, ""
    present: list[int] = []
    before: list[int] = []  # who was in frame last, in this scene
    for count, unit in enumerate(units):
        scene, spot = scenes[unit.scene], spots[unit.scene]
        if count == 0 or units[count - 1].scene != unit.scene:
            heading = f"{scene.time} {scene.place}"
            time = _time(heading, time, vocabulary)
            weather = first_there(f"{heading}. {_action(scene)}", vocabulary, "weather") or ""
            present = [i for i, n in enumerate(names) if _names(n, _action(scene)) or n in _speakers(scene)]
            before = []
        who = [i for i, n in enumerate(names) if _names(n, unit.text)]
        if unit.speaker in names:
            who = [names.index(unit.speaker), *(i for i in who if names[i] != unit.speaker)]
        if not who and re.match(r"(?:He|She|They|His|Her|Their)\b", unit.text):
            who = before  # a pronoun goes on with whoever was just seen
        before = who or before
        text, who = _worded(unit, count, who, present, names, spot)
        dialogue = "\n".join(f"{s.character.upper()}: {s.text}" for s in unit.speeches)[:4000]
        role = Role.ESTABLISH if unit.role is Role.ESTABLISH else unit.role
        close = 3 if unit.speeches and not unit.text else (0 if role is Role.ESTABLISH else 2)
        lines.append(
            Line(
                text,
                tuple(who),
                role,
                close,
                EventKind.OTHER,
                spot,
                time,
                weather,
                dialogue,
                numbers[unit.scene],
            )
        )
    return lines


def _worded(
    unit: _Unit, count: int, who: list[int], present: list[int], names: list[str], spot: Spot
) -> tuple[str, list[int]]:
    """The description of a unit, and who is in frame; without action it is worded by what it is for."""
    if unit.text:
        text = " ".join(unit.text.split())
        if len(text) > _LONGEST:
            text = text[:_LONGEST].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"
        return text, who
    if unit.role is Role.ESTABLISH:
        return f"{spot.the[:1].upper()}{spot.the[1:]}, as the scene begins.", who
    if unit.speeches and unit.speaker:
        manner = f", {unit.speeches[0].manner}" if unit.speeches[0].manner else ""
        to = next((names[i] for i in present if names[i] != unit.speaker), "")
        return f"{unit.speaker} stands and speaks{f' to {to}' if to else ''}{manner}.", who
    others = [i for i in present if i not in who] or present
    if unit.role is Role.CUTAWAY or not others:
        what = "a voice is heard" if unit.speeches else "nothing moves"
        return f"{spot.the[:1].upper()}{spot.the[1:]}; {what}.", []
    chosen = others[count % len(others)]
    act = ("listens", "looks up", "turns", "stands and waits", "looks around", "smiles")[count % 6]
    return f"{names[chosen]} {act}.", [chosen]


def _numbers(scenes: list[Scene]) -> list[int]:
    """Scene numbers: the script's own where all are plain, rising numbers; else 1, 2, 3, …"""
    own = [int(s.number) if s.number.isascii() and s.number.isdigit() else 0 for s in scenes]
    rising = all(a < b for a, b in itertools.pairwise(own)) and own[0] > 0 and own[-1] <= 9999
    return own if rising else list(range(1, len(scenes) + 1))


def _spot(scene: Scene, vocabulary: Vocabulary) -> Spot:
    setting = vocabulary.first(scene.place, "setting") or ("room" if scene.interior else "")
    interior = None if scene.interior is None else (Interior.INT if scene.interior else Interior.EXT)
    name = scene.place or "The scene"
    return named_spot(re.sub(r"^the\s+", "", name, flags=re.IGNORECASE)[:120] or "Scene", setting, interior)


def _time(heading: str, before: TimeOfDay, vocabulary: Vocabulary) -> TimeOfDay:
    """The time of a heading; CONTINUOUS, LATER and the like keep the time of the scene before."""
    named = vocabulary.first(heading, "time")
    return TimeOfDay(named) if named else before


def _action(scene: Scene) -> str:
    return " ".join(i.text for i in scene.items if isinstance(i, Action))


def _speakers(scene: Scene) -> set[str]:
    return {i.character for i in scene.items if isinstance(i, Speech) and not i.unseen}


def _names(name: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text, re.IGNORECASE) is not None
