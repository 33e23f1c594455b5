"""Small helpers of the reader: noun phrases, names, purposes, and what is quoted."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from engine.director.breakdown import Actor, Event
from engine.director.english import Clause, Tag, Token, is_plural, plain
from engine.director.people import CREATURES
from engine.director.verbs import Form
from engine.vocabulary import Vocabulary, is_story_word, singulars, word_sections, word_set

# Verbs whose infinitive is what is done ("learns to dance"), not what it is done for ("walks to find her").
_CONTROL = word_set("""
    learn try want begin start decide choose have need hope refuse forget teach help ask tell get use
    like love hate wish plan promise agree dare fail manage continue be seem appear happen force
    persuade allow remember invite beg order make let attempt sing struggle wait long prepare pretend
    threaten offer know
""")
MOST_WORDS = 60  # of a sentence; the rest of a longer one is not read for people and places


def shortened(sentence: str) -> str:
    """At most MOST_WORDS words, each of bearable length."""
    words = sentence.split(maxsplit=MOST_WORDS)
    return (
        sentence
        if len(words) <= MOST_WORDS and len(sentence) < 600
        else " ".join(w[:40] for w in words[:MOST_WORDS])
    )


_SHORT = {"m": "am", "re": "are", "ve": "have", "ll": "will"}


_ONCE_UPON_A_TIME = re.compile(r"\bonce upon a time,?\s+", re.IGNORECASE)
_THERE_ONCE = re.compile(
    r"\b(there)(?: once (is|was|lived|lives)| (is|was|lived|lives) once)\b", re.IGNORECASE
)
_SPEECH = r"""(?P<speech>["“][^"“”]+["”])[,\s]+"""
_SPEAKS = (
    r"(?P<verb>says?|said|asks?|asked|cries|cried|shouts?|shouted|whispers?|whispered|calls?|called|answers?|answered|"
    r"replies|replied)"
)
_SPEAKER = r"(?P<who>(?:the|a|an|my|his|her|our|their)(?:\s+[\w'’-]+)+?|[A-Z][\w'’-]*)"
_SAID_FIRST = re.compile(
    rf"{_SPEECH}{_SPEAKS}\s+{_SPEAKER}(?=\s*(?:[,;:.!?]|$|\s(?:and|as|at|by|from|in|on|over|to|with)\b))"
)
_SAID_LAST = re.compile(rf"{_SPEECH}{_SPEAKER}\s+{_SPEAKS}(?=\s*(?:[,;:.!?]|$))")
_SPOKEN_ON = re.compile(r"""(["“][^"“”]*?)[.,]?["”],?\s+["“]([^"“”]+["”])""")
_NAMED = re.compile(
    r"\b((?:[Aa]n?|[Tt]he|[Mm]y|[Hh]is|[Hh]er|[Tt]heir|[Oo]ur)\s+(?:[\w'’-]+\s+){1,3}?)(?:named|called)\s+(?=[A-Z])"
)
_FIGURE = re.compile(
    r"(?<![\w.,:/-])(?:[2-9]|10)(?=\s+(?!was |is |has |does )(?:[a-z-]+\s+)?"
    r"(?:[a-z]+s|men|women|people|children)\b)"
)
_IN_WORDS = ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def written_out(sentence: str) -> str:
    """ "I'm lost" -> "I am lost"; "there was once" -> "there was"; '"Wait" cries Ann' -> 'Ann cries "Wait"'.

    An 's is left: it may be "is", "has" or whose something is.
    """
    sentence = re.sub(
        r"\b(I|you|we|they)['’](m|re|ve|ll)\b",
        lambda found: f"{found[1]} {_SHORT[found[2].lower()]}",
        sentence,
        flags=re.IGNORECASE,
    )
    sentence = _ONCE_UPON_A_TIME.sub("", sentence)
    sentence = _NAMED.sub(r"\1", sentence)
    sentence = _FIGURE.sub(lambda found: _IN_WORDS[int(found[0])], sentence)
    sentence = _THERE_ONCE.sub(lambda found: f"{found[1]} {found[2] or found[3]}", sentence)
    told = _SAID_FIRST.sub(_says, _SAID_LAST.sub(_says, sentence, count=1), count=1)
    return sentence if told == sentence else _SPOKEN_ON.sub(r"\1, \2", told)


def _says(found: re.Match[str]) -> str:
    """Who speaks first, and then what; a comma that joined the two is not spoken."""
    speech = re.sub(r",(?=[\"”]$)", "", found["speech"])
    return f"{found['who']} {found['verb']} {speech}"


def split_purpose(clause: Clause) -> tuple[Clause, Clause | None]:
    """ "walks all day to find her son" -> what is done, and what for, which is shown next."""
    if clause.verb in _CONTROL or not clause.verb:
        return clause, None
    for i, t in enumerate(clause.rest[:-1]):
        if t.tag is Tag.TO and i and clause.rest[i + 1].form is Form.BASE:
            verb = clause.rest[i + 1]
            purpose = Clause(clause.subject, (verb,), clause.rest[i + 2 :], (), verb.base)
            return replace(clause, rest=clause.rest[:i]), purpose
    return clause, None


def camouflage(theme: str, vocabulary: Vocabulary, weather: str) -> list[str]:
    """Coats that would be lost before the places of a theme."""
    lost = {"forest": ["green"], "desert": ["yellow", "orange"], "beach": ["yellow"], "harbour": ["blue"]}
    settings = {m.canonical for m in vocabulary.find(theme, "setting")}
    pale = ["white"] if weather in ("snow", "fog") else []
    return [c for s in sorted(settings) for c in lost.get(s, [])] + pale


def noun_phrases(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    """Runs of (article) (adjectives) nouns, in order."""
    phrases: list[tuple[Token, ...]] = []
    run: list[Token] = []
    for t in tokens:
        openers = (Tag.DETERMINER, Tag.POSSESSIVE, Tag.NUMBER, Tag.ADJECTIVE)
        if t.tag is Tag.NOUN:
            run.append(t)
            continue
        if t.tag is Tag.ADJECTIVE and run and run[-1].lower.endswith(("'s", "’s")):
            run.append(t)  # "her mother's old coat"
            continue
        if any(r.tag is Tag.NOUN for r in run):
            phrases.append(tuple(run))
            run = []
        if t.tag in openers:
            run = [t] if t.tag in (Tag.DETERMINER, Tag.POSSESSIVE) else [*run, t]
        else:
            run = []
    if any(r.tag is Tag.NOUN for r in run):
        phrases.append(tuple(run))
    return phrases


HOW = frozenset(("late", "early", "hard", "fast", "long", "well", "twice", "aloud"))
"""Words after a verb that say how or when, though they look like its object: "works late"."""
_NO_THINGS = frozenset(("other", "others", "another", "same"))


NOBODY = word_set("""
    christmas easter halloween hanukkah ramadan diwali thanksgiving
    monday tuesday wednesday thursday friday saturday sunday
""")
"""Capitalised, and yet no names of people."""


def is_somebody(nouns: Sequence[Token], acts: bool, vocabulary: Vocabulary) -> bool:
    """Whether capitals name a person: not a place, nor a word that is only big because it comes first."""
    if any(vocabulary.find(n.text, "setting", "time", "weather", "coat") for n in nouns):
        return False
    if nouns[-1].lower in NOBODY:
        return False
    first = nouns[0].start == 0
    return not first or len(nouns) > 1 or (acts and not is_story_word(nouns[0].lower))


def thing(phrase: Sequence[Token], pets: Collection[str], vocabulary: Vocabulary) -> str:
    """What a noun phrase after a verb names, if that is a thing or one of the `pets`: "the red kite"."""
    noun = " ".join(t.text for t in phrase if t.tag in (Tag.ADJECTIVE, Tag.NOUN))
    words = set(noun.casefold().split())
    if vocabulary.find(noun, "person", "setting", "time") or words & CREATURES - set(pets):
        return ""
    if noun.casefold() in HOW or words & _NO_THINGS or phrase[-1].text[0].isupper():
        return ""
    return "" if phrase[-1].lower in word_sections()["abstract"] else f"the {noun}"


def possessed(phrase: Sequence[Token]) -> bool:
    """Whether a phrase begins with somebody's name: "Anna's dog"."""
    return phrase[0].text[:1].isupper() and phrase[0].lower.endswith(("'s", "’s"))


def articled(phrase: Sequence[Token], article: str, source: str) -> str:
    """A noun phrase as written, with an article where a headline left it out: "a dragon"."""
    first = plain(phrase, source)
    bare = is_plural(phrase[-1].lower) or possessed(phrase)
    if article or bare or any(t.tag is Tag.NUMBER for t in phrase):
        return first
    return f"{'an' if first[0].casefold() in 'aeiou' else 'a'} {first[0].lower()}{first[1:]}"


def proper_name(phrase: Sequence[Token], nouns: Sequence[Token], article: str) -> str:
    """ "Mara Voss" or "Detective Mara Voss"; "" for a common noun."""
    if article or any(t.tag is Tag.NUMBER for t in phrase) or not all(t.text[0].isupper() for t in nouns):
        return ""
    if len(nouns) == 1 and is_plural(nouns[0].lower):
        return ""
    return " ".join(t.text for t in phrase if t.tag in (Tag.NOUN, Tag.ADJECTIVE))


def name_in_apposition(nouns: Sequence[Token]) -> str:
    """The name after what somebody is: "Marco" of "her brother Marco"; "" where there is none."""
    named = [i for i, t in enumerate(nouns) if t.text[0].isupper()]
    first = named[0] if named else 0
    return " ".join(t.text for t in nouns[first:]) if first and len(nouns) - first == len(named) else ""


def named_apposition(phrase: Sequence[Token], tokens: Sequence[Token]) -> bool:
    """Whether a phrase between commas says who the name before it is: "Elena, a young doctor, …"."""
    first, end = tokens.index(phrase[0]), tokens.index(phrase[-1]) + 1
    return (
        first > 1
        and tokens[first - 1].text == ","
        and tokens[first - 2].text[0].isupper()
        and phrase[0].tag in (Tag.DETERMINER, Tag.POSSESSIVE)
        and (end == len(tokens) or tokens[end].text == ",")
    )


def cast_name(key: str, ref: str, index: int, count: int) -> str:
    if not ref.startswith("the "):
        return ref[:80]
    words = ref[4:].split()
    if count > 1:
        last = singulars(words[-1])
        words = [
            ("First", "Second", "Third", "Fourth", "Fifth")[index],
            *words[:-1],
            last[0] if last else words[-1],
        ]
    name = " ".join(words)
    return (name[0].upper() + name[1:])[:72]


def lower_article(first: str) -> str:
    word = first.split(" ", 1)[0]
    lowered = (
        "A",
        "An",
        "The",
        "Two",
        "Three",
        "Four",
        "Five",
        "His",
        "Her",
        "Their",
        "My",
        "Our",
        "Its",
        "One",
    )
    if word in lowered or (
        word.istitle() and " " in first and word.casefold() in ("old", "young", "little", "some", "both")
    ):
        return first[0].lower() + first[1:]
    return first


def names_only(tokens: Sequence[Token]) -> bool:
    """Whether a phrase is a list of names: "Romeo and Juliet"."""
    nouns = [t for t in tokens if t.tag is Tag.NOUN]
    return len(nouns) > 1 and len(tokens) < 2 * len(nouns) and all(t.text[0].isupper() for t in nouns)


def quoted(source: str) -> str:
    """The first words in quotation marks."""
    for opening, closing in (('"', '"'), ("“", "”")):
        start = source.find(opening)
        end = source.find(closing, start + 1)
        if 0 <= start < end:
            return source[start + 1 : end].strip()
    return ""


def described(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """A noun phrase at the start of `tokens` with what belongs to it: "a man in a red coat"."""
    for i, t in enumerate(tokens[1:], 1):
        if t.tag in (Tag.AND, Tag.MARK, Tag.RELATIVE, Tag.SUBORDINATOR, Tag.VERB, Tag.AUXILIARY):
            return tuple(tokens[:i])
    return tuple(tokens)


_WORN = frozenset(("wear", "have"))
_WHO_WEARS = re.compile(
    r"\s*,?\s+(?:who|that)\s+((?:never\s+)?(?:wears?|wore|(?:is|was)(?:n['’]t|\s+not)?\s+wearing|ha[sd](?=\s+(?:no|an?|\w+\s+hair)\b))"
    r"(?:\s+[\w'’-]+){1,9})",
    re.IGNORECASE,
)


def worn_in(clause: Clause, source: str) -> str:
    """What a clause says that its subject wears or has: "has no hat"; "" where it tells something else."""
    if clause.verb not in _WORN:
        return ""
    end = next((i for i, t in enumerate(clause.rest) if i and t.tag is Tag.PREPOSITION), len(clause.rest))
    return plain((*clause.group, *clause.rest[:end]), source)


def who_wears(after: str) -> str:
    """The same of the words `after` somebody: "who has no hat"."""
    found = _WHO_WEARS.match(after)
    return found[1] if found else ""


def unquoted(text: str) -> str:
    """A theme that was pasted with its quotation marks, without them."""
    found = re.fullmatch(r'\s*["“]([^"“”]+)["”]\s*', text)
    return found[1] if found else text


def moved_token(token: Token, start: int) -> Token:
    return Token(token.text, token.tag, token.start - start, token.end - start, token.base, token.form)


def with_subject(event: Event, actor: Actor) -> Event:
    return event if event.verb or event.subject else replace(event, subject=(actor,), subject_text="")


def as_written(sentence: str, number: int) -> Event:
    """A sentence that could not be read, as a beat of its own words."""
    return Event((), sentence, "be", "", (), "", None, None, None, sentence=number, source=sentence)
