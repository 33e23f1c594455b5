"""The built-in director: a script breakdown and a beat sheet instead of a language model (STAGE, eq. 7)."""

from __future__ import annotations

import random
from collections.abc import Iterator

from engine.director.asked import split_title, without_frame
from engine.director.beats import write_beats
from engine.director.breakdown import Breakdown
from engine.director.fountain import is_fountain, parse_fountain
from engine.director.furnishing import furnish
from engine.director.grammar import SHORTEST, check_length, film
from engine.director.nobody import EMPTY_WORDS, without_asides
from engine.director.people import in_small_letters, part_of
from engine.director.reader import break_down
from engine.director.reading import check_english, check_numbers, clean, make_logline, make_title
from engine.director.screenplay import read_screenplay
from engine.director.stages import Beats, CastList, Logline, PlaceList, ShotList, Stage, Warnings
from engine.director.views import write_views
from engine.errors import BadInput
from engine.profiles import Profile, world_vocabulary
from engine.story import FrameRate, Storyboard

_ENGLISH = "The built-in director reads English: write the theme in English, or let a language model direct."


class BreakdownDirector:
    """Reads a theme, treatment or Fountain screenplay by rules; same input and seed, same film."""

    def direct(
        self, theme: str, *, shots: int, profile: Profile, seed: int = 0, seconds: float | None = None
    ) -> Iterator[Stage]:
        """See `engine.director.stages.Director`. Scene headings (INT., EXT.) make a text a screenplay."""
        check_numbers(shots, seconds)
        text = clean(theme)
        if seconds is not None and seconds < SHORTEST * shots:
            raise BadInput(
                f"{shots} shots do not fit into {seconds:g} seconds: allow {SHORTEST * shots:g} or more."
            )
        if seconds is not None:
            check_length(shots, seconds, FrameRate())
        return self._stages(theme, text, shots, profile, seed, seconds)

    def _stages(
        self, theme: str, text: str, shots: int, profile: Profile, seed: int, seconds: float | None
    ) -> Iterator[Stage]:
        vocabulary = profile.vocabulary or world_vocabulary()
        rng = random.Random(f"{seed}\n{text}")
        people_only = profile.vocabulary is not None
        if is_fountain(text):
            script = parse_fountain(text)
            found, lines = read_screenplay(script, shots, vocabulary, rng, people_only)
            title = script.title or (lines[0].spot.place.name)
            text = " ".join(i.text for scene in script.scenes for i in scene.items)
            logline = f"A film in {len(script.scenes)} scene{'s' if len(script.scenes) != 1 else ''}."
        else:
            check_english(text, vocabulary)
            text = in_small_letters(text) if text.isupper() else text  # capitals throughout name nobody
            heading, told = split_title(text)
            told = without_frame(told)
            found = break_down(told, vocabulary, rng, people_only)
            lines = (write_views if found.empty else write_beats)(found, shots, vocabulary, rng)
            logline, text = make_logline(text), without_asides(told)
            title = heading or make_title(text, found)
        yield Logline(title, logline)
        yield CastList(tuple(found.cast))
        places = furnish([line.spot for line in lines], text, vocabulary, random.Random(f"{seed}\n{text}"))
        yield PlaceList(places, lines[0].time, lines[0].weather)
        yield Beats(tuple(line.text for line in lines))
        most_people = max((len(line.who) for line in lines), default=0)
        yield _warnings(text, found, profile, most_people)
        rate = FrameRate()
        names = [c.name for c in found.cast]
        filmed = film(
            lines,
            names,
            vocabulary=vocabulary,
            profile=profile,
            rate=rate,
            seconds=seconds,
            rng=rng,
        )
        yield ShotList(
            Storyboard(
                title=title or "Untitled",
                theme=theme,
                logline=logline,
                rate=rate,
                cast=found.cast,
                places=list(places),
                shots=filmed,
            )
        )


def _warnings(text: str, found: Breakdown, profile: Profile, most_people: int) -> Warnings:
    """What will not be seen as written, said before anything is drawn."""
    words: list[str] = []
    notes: list[str] = []
    if profile.vocabulary is not None:
        names = [c.name for c in found.cast if c.name not in found.creatures or not part_of(c.name)]
        names += [a.key for a in found.actors if found.cast[a.members[0]].name not in found.creatures]
        words = profile.vocabulary.unknown(text, names)
        words = [w for w in words if not (found.empty and w in EMPTY_WORDS)]
        if found.creatures:
            stand_in = ", ".join(found.creatures)
            notes.append(f"{profile.title} draws only people: a human figure stands in for {stand_in}.")
    if found.foreign:
        notes.append(_ENGLISH)
    if found.empty:
        notes.append("Nobody is there, as the theme says: every shot shows its place alone.")
    if found.invented:
        notes.append("Nobody acts in the theme, so a traveller walks through it.")
    if profile.max_people is not None and most_people > profile.max_people:
        most = profile.max_people
        notes.append(f"{profile.title} draws at most {most} people in a shot; the others stay out of frame.")
    return Warnings(tuple(words[:40]), tuple(notes))
