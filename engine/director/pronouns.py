"""Whom a pronoun means: among the people who were met, the one whom it can mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from engine.director.breakdown import Actor
from engine.director.english import Tag, Token, plain
from engine.director.people import tells_gender

_MEANT = {
    **dict.fromkeys(("he", "him"), ("man", "boy")),
    **dict.fromkeys(("she", "her"), ("woman", "girl")),
}
Meant = dict[Token, tuple[Actor, ...]]
_ONE = frozenset(("him", "her"))
ABSENT = frozenset(("of", "for", "about", "like", "as", "without", "named", "than", "into"))
"""What stands before somebody who is spoken of and not there: "thinks of her"."""


OF_THE_MIND = frozenset(("miss", "remember", "mourn", "recall", "imagine"))
"""Whom one misses or remembers is not there either."""
_SENT = frozenset(("write", "send", "post", "mail", "phone", "telephone", "email", "text", "pray"))


def is_absent(before: Token | None, verb: str) -> bool:
    """Whether somebody named after a verb and `before` is only spoken of: "writes a letter to his wife"."""
    if verb in OF_THE_MIND:
        return True
    return before is not None and (before.lower in ABSENT or (verb in _SENT and before.lower == "to"))


def by_teller(words: str, teller: Actor) -> str:
    """What the teller does, told of somebody else: "teaches my daughter" -> "teaches his daughter"."""
    return re.sub(r"\bmy(?=\s)(?![^\"“]*[\"”])", teller.his, words)


def meant_as_subject(word: str, met: Sequence[Actor]) -> tuple[Actor, ...]:
    """Whoever fits and was named last (`met` begins with the last); somebody acts, so it is never nobody."""
    if word in ("they", "them"):
        return tuple(met[:1]) if met and met[0].plural else tuple(met[:2])
    wanted = _MEANT.get(word)
    if wanted is None:
        return ()
    return tuple(next(([a] for a in met if not a.plural and a.kind.person in wanted), met[:1]))


def meant_as_object(word: str, met: Sequence[Actor], lately: Sequence[Actor]) -> tuple[Actor, ...]:
    """Whom "her" or "him" means where that is sure: one of those told of `lately`, else one of all `met`.

    Who is drawn as the other sex may be meant too, unless the noun says so ("a king").
    """
    if word not in _ONE:
        several = meant_as_subject(word, met)
        return several if len(several) > 1 or any(a.plural for a in several) else ()  # one is not "them"
    for people in (lately, met):
        alone = [a for a in people if not a.plural]
        drawn = [a for a in alone if a.kind.person in _MEANT[word]]
        fitting = drawn or [a for a in alone if not any(tells_gender(w) for w in a.key.split())]
        if fitting:
            return tuple(fitting) if len(fitting) == 1 else ()
    return ()


def meant_by_objects(rest: Sequence[Token], met: Sequence[Actor], lately: Sequence[Actor]) -> Meant:
    """Whom each "him", "her" and (only right after the verb) "them" of a clause means, where that is sure."""
    meant: Meant = {}
    for i, t in enumerate(rest):
        before = rest[i - 1].lower if i else ""
        there = before not in ABSENT if t.lower in _ONE else not i and t.lower == "them"
        who = meant_as_object(t.lower, met, lately) if t.tag is Tag.PRONOUN and there else ()
        if who:
            meant[t] = who
    return meant


def predicate_by_name(words: str, rest: Sequence[Token], meant: Meant, thing: str, source: str) -> str:
    """A predicate, which ends with its `rest`, with pronouns said by name: "finds it" -> "finds the kite"."""
    if not rest:
        return words
    names = {t: _name(who) for t, who in meant.items()}
    if rest[0].lower == "it" and thing:
        names[rest[0]] = thing
    written = plain(rest, source)
    return words[: len(words) - len(written)] + _by_name(written, rest[0].start, names)


def sentence_by_name(sentence: str, meant: Meant, named: Collection[Actor]) -> str:
    """A sentence with those pronouns said by name that mean somebody whom it does not name itself."""
    names = {t: _name(who) for t, who in meant.items() if not any(a in named for a in who)}
    return _by_name(sentence, 0, names)


def _by_name(text: str, start: int, names: Mapping[Token, str]) -> str:
    """`text`, which begins at `start` of its sentence, with tokens of it replaced."""
    for token in sorted(names, key=lambda t: t.start, reverse=True):
        text = text[: token.start - start] + names[token] + text[token.end - start :]
    return text


def _name(actors: Sequence[Actor]) -> str:
    return " and ".join(a.ref for a in actors)
