"""Free words for a shot of the world, in the form of `compose`: as a director or a filmmaker might write.

Synonyms, names, unknown words, leftovers of other places, missing parts. What comes back with the words is
what they really say, and whose looks they really leave out.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.step2.prompt import compose
from engine.story import Angle, CastMember, CinematicAttributes, Movement, Place, Scale, Shot, TimeOfDay
from engine.vocabulary import noun_phrase
from engine.world.annotate import LENGTH, UNTOLD, look
from engine.world.layout import VALUES, layout, layout_word, skin
from engine.world.lexicon import lexicon, words
from engine.world.story import Location, Person, Story, WorldShot

NAMES = (
    "Anna", "Ben", "Clara", "David", "Elsa", "Finn", "Greta",
    "Hugo", "Ida", "Jonas", "Karl", "Lena", "Mara", "Nils",
    "Olga", "Paul", "Rosa", "Sam", "Tom", "Uma", "Vera",
    "Will", "Yara", "Zoe", "Alma", "Boris", "Cleo", "Dora", "Emil",
    "Freya", "Georg", "Hana", "Ivan", "June", "Kofi", "Lila",
    "Mira", "Noor", "Otto", "Pia", "Quinn", "Rui", "Sana",
    "Theo", "Ugo", "Vito",
)  # fmt: skip
FILLERS = (
    "old", "young", "lonely", "tired", "brave", "small", "tall", "quiet", "lost", "strange", "happy", "sad",
    "proud", "curious", "angry", "gentle", "silent", "wet", "warm", "cold", "weary", "cheerful",
    "mysterious", "kind", "stubborn", "famous", "forgotten", "hopeful", "frightened", "little",
    "great",
)  # fmt: skip
THINGS = (
    "letter", "lantern", "key", "map", "book", "dog", "bird", "ring", "basket", "violin", "clock", "door",
    "secret", "stone", "rope", "suitcase", "candle", "flower", "mirror", "kite", "cup", "song", "shadow",
    "star", "photograph", "feather", "coin", "bicycle", "dragon", "cat", "horse", "umbrella", "ladder",
    "fish", "bell", "fire", "treasure", "box", "note", "toy", "rose", "sword", "telescope", "crown", "apple",
    "piano", "machine", "spaceship", "robot", "wolf", "fox", "ghost", "moon", "train",
)  # fmt: skip
VERBS = (
    "sees", "remembers", "carries", "loses", "wants", "opens", "closes", "dreams of", "thinks about",
    "talks about", "looks for", "misses", "loves", "fears", "keeps", "brings", "asks about",
    "wonders about", "believes in", "drops", "picks up", "studies", "paints", "meets", "helps",
    "saves", "warns",
)  # fmt: skip
TAILS = (
    "for the first time",
    "once more",
    "before it is too late",
    "without a word",
    "as if nothing had happened",
    "at last",
    "all alone",
    "with a heavy heart",
    "slowly",
    "again",
    "while time stands still",
    "and then it is over",
)
GARMENTS = (
    "coat",
    "jacket",
    "raincoat",
    "cloak",
    "dress",
    "robe",
    "sweater",
    "parka",
    "tunic",
    "clothes",
    "cape",
    "shirt",
)

_NO_LOOK = [UNTOLD] * 3  # coat, hair and hat
# what the words of the field come to in a world that knows four scales, four angles and nine movements
SCALE_WORDS = {
    "extreme long shot": [Scale.ELS],
    "long shot": [Scale.LS, Scale.LS, Scale.MLS],
    "medium shot": [Scale.MS, Scale.MS, Scale.MCU],
    "close-up": [Scale.CU, Scale.CU, Scale.ECU],
}
ANGLE_WORDS = {
    "eye level": [Angle.EYE_LEVEL],
    "low angle": [Angle.LOW, Angle.LOW, Angle.WORMS_EYE],
    "high angle": [Angle.HIGH, Angle.HIGH, Angle.OVERHEAD],
    "dutch angle": [Angle.DUTCH],
}
MOVEMENT_WORDS = {
    "static": [Movement.STATIC],
    "pan left": [Movement.PAN_LEFT],
    "pan right": [Movement.PAN_RIGHT],
    "tilt up": [Movement.TILT_UP, Movement.TILT_UP, Movement.CRANE_UP],
    "tilt down": [Movement.TILT_DOWN, Movement.TILT_DOWN, Movement.CRANE_DOWN],
    "truck left": [Movement.TRUCK_LEFT, Movement.TRUCK_LEFT, Movement.ARC_LEFT],
    "truck right": [Movement.TRUCK_RIGHT, Movement.TRUCK_RIGHT, Movement.ARC_RIGHT],
    "dolly in": [Movement.DOLLY_IN, Movement.DOLLY_IN, Movement.ZOOM_IN],
    "dolly out": [Movement.DOLLY_OUT, Movement.DOLLY_OUT, Movement.ZOOM_OUT],
}


@dataclass(frozen=True)
class Paraphrase:
    """A shot in words: `prompt` is what `compose` makes of them, `told` the sixteen slots that it tells (what
    it leaves out is untold), `look_dropout` the people of the shot whose looks it leaves to memory.

    `before` are setting and weather where the prompt leaves both to the frame before. `slotless` are what the
    words tell that no slot holds: palette, side and variant of the place, "skin" and "skin 2".
    """

    story: Story
    who: tuple[int, ...]
    location: int
    shot: Shot
    cast: tuple[CastMember, ...]
    place_look: str
    style: str
    lower: bool
    told: list[str]
    look_dropout: frozenset[int]
    slotless: frozenset[str]
    before: tuple[str, str] | None = None

    @property
    def description(self) -> str:
        return self.shot.description

    @property
    def prompt(self) -> str:
        return self._written(self.shot, self.cast, self.place_look)

    def aided(self, people: Collection[int], places: Collection[int] = ()) -> tuple[str, list[str]]:
        """Prompt and slots as they would be, had the words told what pictures show: the looks of these
        `people`, the layout of these `places` (indices of the story's), and where the frame before was.
        """
        cast, told, shot, place_look = list(self.cast), list(self.told), self.shot, self.place_look
        for j, index in enumerate(self.who):
            at = 13 if j else 9
            lacking = UNTOLD in told[at : at + 3] or ("skin 2" if j else "skin") not in self.slotless
            if index in people and lacking:
                person = self.story.people[index]
                cast[j] = cast[j].model_copy(update={"look": look(person)})
                told[at : at + 3] = [person.coat, person.hair, person.hat]
        if self.before is not None:
            place, weather = self.before
            there = shot.attributes.model_copy(update={"place": place, "weather": weather})
            shot = shot.model_copy(update={"attributes": there})
        if self.location in places and not self.slotless.issuperset(VALUES):
            place_look = layout(self.story.locations[self.location])
        return self._written(shot, cast, place_look), told

    def _written(self, shot: Shot, cast: Sequence[CastMember], place_look: str) -> str:
        place = shot.attributes.place  # words that do not say where it is do not say how it looks there
        places = [Place(name=place, look=place_look)] if place and place_look else []
        prompt = compose(shot, cast, places, look=self.style)
        return prompt.lower() if self.lower else prompt


def paraphrase(
    story: Story,
    shot: WorldShot,
    seen: Collection[int],
    r: random.Random,
    before: tuple[str, str] | None = None,
    place_seen: bool = False,
) -> Paraphrase:
    """A shot in words that mostly leave out the looks of people who were `seen`, and of a place that was.

    With the setting and weather of the frame `before`, the prompt sometimes leaves both to it.
    """
    told = [UNTOLD] * LENGTH
    told[0], told[1], told[2] = shot.scale, shot.angle, shot.movement
    left = before if before is not None and r.random() < 0.35 else None
    if left is not None:
        place = weather = ""
        told[3], told[5] = left
    else:
        place = _place(story, shot, r, told)
        weather = _weather(story, r, told)
    told[4] = story.time
    place_look, slotless = "", set[str]()
    if place and not (place_seen and r.random() < 0.85):
        place_look, slotless = _place_look(story.locations[shot.location], r)
    cast = [_member(story.people[index], index in seen, r) for index in shot.who]
    members = [member for member, _ in cast]
    for j, (index, (_, tells)) in enumerate(zip(shot.who, cast, strict=True)):
        if tells != _NO_LOOK and r.random() < 0.7:
            members[j] = _with_skin(members[j], story.people[index], r)
            slotless.add("skin 2" if j else "skin")
        at = 12 if j else 6
        told[at] = story.people[index].body
        for k, value in enumerate(tells):
            told[(13 if j else 9) + k] = value
    description = _description([m.name for m, _ in cast], place, shot, r, told)
    attributes = CinematicAttributes(
        scale=r.choice(SCALE_WORDS[shot.scale]),
        angle=r.choice(ANGLE_WORDS[shot.angle]),
        movement=r.choice(MOVEMENT_WORDS[shot.movement]),
        place=place,
        time=TimeOfDay(story.time),
        weather=weather,
        cast=[m.name for m, _ in cast],
    )
    style = r.choice(("", "", "", "warm colours", "storybook", "film noir", "soft light", "paper theatre"))
    lower = r.random() < 0.1
    left_out = frozenset(
        index for index, (_, tells) in zip(shot.who, cast, strict=True) if index in seen and tells == _NO_LOOK
    )
    written = Shot(description=description, attributes=attributes)
    return Paraphrase(
        story,
        shot.who,
        shot.location,
        written,
        tuple(members),
        place_look,
        style,
        lower,
        told,
        left_out,
        frozenset(slotless),
        left,
    )


def _place(story: Story, shot: WorldShot, r: random.Random, told: list[str]) -> str:
    setting = story.locations[shot.location].setting
    if r.random() < 0.05:
        return ""
    told[3] = setting
    word = setting if r.random() < 0.35 else r.choice(words("setting", setting))
    filler = f"{r.choice(FILLERS)} " if r.random() < 0.3 else ""
    article = "the " if r.random() < 0.4 else ""
    return f"{article}{filler}{word}"


def _place_look(at: Location, r: random.Random) -> tuple[str, set[str]]:
    """What a place card says of the layout, and which facts that tells; a card need not say everything."""
    facts = [fact for fact in VALUES if r.random() < 0.85]
    r.shuffle(facts)
    parts = []
    for fact in facts:
        known = words(f"{at.setting} {fact}", layout_word(at, fact))
        # a parasol has the colour of the palette; where there are two palms, there is no parasol
        fit = [
            w for w in known if at.variant or not w.endswith((" umbrella", " parasol")) or fact != "palette"
        ]
        word = fit[0] if r.random() < 0.5 else r.choice(fit)
        parts.append(noun_phrase(word) if r.random() < 0.75 else word)
    if r.random() < 0.2:
        parts.insert(0, noun_phrase(at.setting))
    if len(parts) > 1 and r.random() < 0.25:
        parts = [*parts[:-2], f"{parts[-2]} and {parts[-1]}"]
    return (", " if r.random() < 0.85 else " with ").join(parts), set(facts)


def _with_skin(member: CastMember, person: Person, r: random.Random) -> CastMember:
    """The card with a word for the skin: "a dark-skinned girl with …", "a girl with dark skin, …"."""
    word = skin(person) if r.random() < 0.5 else r.choice(words("skin", skin(person)))
    said = member.look
    if word.endswith("skin"):
        if " with " in said:
            joint = r.choice((", ", " and "))
            said = said.replace(" with ", f" with {word}{joint}", 1)
        elif r.random() < 0.5:
            said = f"{said}, {word}"
        else:
            head, comma, rest = said.partition(",")
            said = f"{head}, {word}{comma}{rest}" if comma else f"{said} with {word}"
    else:
        said = f"a {word} {said.removeprefix('a ')}"
    return member.model_copy(update={"look": said})


def _weather(story: Story, r: random.Random, told: list[str]) -> str:
    if story.weather == "clear" and r.random() < 0.5:
        told[5] = "clear"  # nothing said about the weather means a clear sky
        return ""
    if story.weather != "clear" and r.random() < 0.06:
        return ""
    told[5] = story.weather
    return story.weather if r.random() < 0.4 else r.choice(words("weather", story.weather))


def _member(person: Person, seen: bool, r: random.Random) -> tuple[CastMember, list[str]]:
    """A cast card, and the coat, hair and hat that its look tells; name or look says what kind of person."""
    role = r.choice(words("person", person.body))
    name = r.choice(NAMES) if r.random() < 0.4 else role
    if r.random() < 0.25:
        name = f"{r.choice(FILLERS)} {name}"
    if seen and r.random() < 0.85:  # the look is left to memory; the card still says who it is
        kind = person.body if name.split()[-1] in NAMES or r.random() < 0.3 else ""
        return CastMember(name=name[:1].upper() + name[1:], look=f"a {kind}" if kind else ""), _NO_LOOK
    body = person.body if r.random() < 0.6 else r.choice(words("person", person.body))
    coat = person.coat if r.random() < 0.7 else r.choice(words("coat", person.coat))
    hair = person.hair if r.random() < 0.7 else r.choice(words("hair", person.hair))
    hat = person.hat if r.random() < 0.7 else r.choice(words("hat", person.hat))
    if hat == "bare":
        hat = "no hat"
    garment = "coat" if r.random() < 0.6 else r.choice(GARMENTS)
    parts = [f"with {hair} hair", f"in a {coat} {garment}"]
    if person.hat != "bare" or r.random() < 0.2:
        parts.insert(
            1, f"with {hat}" if hat.startswith(("no", "without", "bare", "hatless")) else f"and a {hat}"
        )
    if r.random() < 0.25:
        parts = parts[::-1]
    tells = [person.coat, person.hair, person.hat]
    lack = r.random()
    if lack < 0.12:  # a card need not say everything
        drop = r.choice(("hair", "coat"))
        if drop == "hair":
            parts, tells[1] = [q for q in parts if not q.endswith(" hair")], UNTOLD
        else:
            parts, tells[0] = [q for q in parts if not q.startswith("in a ")], UNTOLD
    said = f"a {r.choice(FILLERS) + ' ' if r.random() < 0.3 else ''}{body} {' '.join(parts)}"
    if r.random() < 0.15:
        bare = [q.removeprefix("with ").removeprefix("and ").removeprefix("in ") for q in parts]
        said = f"{body}, {', '.join(bare)}"
    return CastMember(name=name[:1].upper() + name[1:], look=said), tells


def _description(names: list[str], place: str, shot: WorldShot, r: random.Random, told: list[str]) -> str:
    """A sentence of story; its verb is the action, unless it tells what the world cannot show."""
    if not names:
        return r.choice(
            (f"The {place or 'place'} lies empty.", f"Nobody is here, only the {r.choice(THINGS)}.", "Empty.")
        )
    subject = r.choice((names[0], f"the {names[0].lower()}" if names[0] not in NAMES else names[0]))
    where = (
        f" {r.choice(('in', 'at', 'near', 'by'))} the {place.removeprefix('the ')}"
        if place and r.random() < 0.4
        else ""
    )
    slot = ""
    if len(names) == 1 and r.random() < 0.35:
        told[8] = shot.slot
        slot = f" {r.choice([w for w in words('slot', shot.slot) if ' ' in w])}"
    tail = f" {r.choice(TAILS)}" if r.random() < 0.3 else ""
    other = (
        f" {r.choice(('beside', 'with', 'and', 'next to', 'facing'))} {names[1]}" if len(names) == 2 else ""
    )
    thing = f" the {r.choice(FILLERS) + ' ' if r.random() < 0.4 else ''}{r.choice(THINGS)}"
    if r.random() < 0.8:
        told[7] = shot.action
        verb = shot.action if r.random() < 0.3 else _verb(shot.action, r)
        body = f"{subject} {verb}{thing if r.random() < 0.2 else ''}{slot}{where}{other}{tail}"
    else:
        body = f"{subject} {r.choice(VERBS)}{thing if r.random() < 0.7 else ''}{other}{slot}{where}{tail}"
    if r.random() < 0.12:  # words of somewhere else: what Place says counts
        elsewhere = r.choice([w for canonical in lexicon()["setting"] for w in words("setting", canonical)])
        body += f", {r.choice(('far from', 'thinking of', 'dreaming of', 'away from'))} the {elsewhere}"
    return body[:1].upper() + body[1:] + r.choice((".", ".", ".", "", "!"))


def _verb(action: str, r: random.Random) -> str:
    """A synonym that can stand after a subject."""
    fit = [w for w in words("action", action) if w.split()[0].endswith("s") or w == action]
    return r.choice(fit)
