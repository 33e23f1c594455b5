"""Fountain screenplays (fountain.io, syntax 1.1), as far as a shot list needs them.

Read: title page, scene headings (also forced by "." and numbered), action (also forced by "!"), character
cues (also forced by "@"), parentheticals, dialogue, dual dialogue, lyrics, transitions, centred text. Left
out: notes, boneyard, sections, synopses, page breaks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_HEADING = re.compile(r"^(?:INT\.?/EXT|EXT\.?/INT|INT|EXT|EST|I/E)[. ]\s*\S", re.IGNORECASE)
_FORCED_HEADING = re.compile(r"^\.(?=[^\W_])")
_NUMBER = re.compile(r"\s*#([^#\n]{1,12})#\s*$")
_TITLE_KEY = re.compile(r"^([A-Za-z][\w ]{0,30}):\s*(.*)$")
_TRANSITION = re.compile(
    r"^(?:[A-Z ]+ TO:|FADE IN:?|FADE OUT\.?|FADE TO BLACK\.?|CUT TO BLACK\.?|THE END\.?)$"
)
_UNSEEN = re.compile(r"\((?:V\.? ?O\.?|O\.? ?S\.?|O\.? ?C\.?)\)", re.IGNORECASE)
_EXTENSION = re.compile(r"\s*\([^)]*\)")


@dataclass
class Speech:
    """What one character says in one go; `manner` is the parenthetical."""

    character: str
    text: str
    manner: str = ""
    unseen: bool = False  # a voice from outside the frame: (V.O.), (O.S.)


@dataclass
class Action:
    """One paragraph of action."""

    text: str


@dataclass
class Scene:
    """A scene: its place and time as the heading gives them, then action and speeches in order."""

    place: str = ""
    time: str = ""
    interior: bool | None = None
    number: str = ""
    items: list[Action | Speech] = field(default_factory=list)


@dataclass
class Script:
    """A parsed screenplay."""

    title: str = ""
    scenes: list[Scene] = field(default_factory=list)


def is_fountain(text: str) -> bool:
    """Whether a text is a screenplay: it has a scene heading (INT., EXT., …) in capitals."""
    for line in text.split("\n"):
        line = line.strip()
        if _HEADING.match(line) and line.split()[0].isupper():
            return True
    return False


def parse_fountain(text: str) -> Script:
    """The scenes of a screenplay. Never raises: what is no element of Fountain is action."""
    lines = _without_comments(text).split("\n")
    script = Script()
    start = _title_page(lines, script)
    parser = _Parser(script)
    for i in range(start, len(lines)):
        following = lines[i + 1] if i + 1 < len(lines) else ""
        parser.feed(lines[i], following)
    parser.close()
    script.scenes = [s for s in script.scenes if s.items or s.place]
    return script


def _without_comments(text: str) -> str:
    text = re.sub(r"/\*.*?(?:\*/|\Z)", "", text, flags=re.DOTALL)
    text = re.sub(r"\[\[.*?\]\]", "", text, flags=re.DOTALL)
    return text.replace("\t", "    ")


def _title_page(lines: list[str], script: Script) -> int:
    """Reads `Title: …` and its like; gives the index of the first line after them."""
    i = 0
    while i < len(lines) and not lines[i].strip():
        i += 1
    begin = i
    key = ""
    while i < len(lines) and lines[i].strip():
        match = _TITLE_KEY.match(lines[i].strip())
        if match and not lines[i].startswith("   ") and not _TRANSITION.match(lines[i].strip()):
            key = match.group(1).strip().casefold()
            value = match.group(2)
        elif key and lines[i].startswith("   "):
            value = lines[i]
        else:
            return begin if not key else i
        if key == "title" and value.strip():
            script.title = " ".join((script.title, _unmarked(value))).strip()[:200]
        i += 1
    return i if key else begin


class _Parser:
    """One line at a time, with what the line before left open."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.paragraph: list[str] = []
        self.speech: Speech | None = None
        self.blank = True

    def feed(self, raw: str, following: str) -> None:
        line = raw.strip()
        if not line:
            self._end_paragraph()
            self.speech = None
            self.blank = True
            return
        if self.speech is not None:
            self._spoken(line)
        elif self._starts_scene(line):
            self._heading(line)
        elif line.startswith(("#", "===")) or (line.startswith("=") and not line.startswith("==")):
            self._end_paragraph()
        elif line.startswith(">") or (self.blank and _TRANSITION.match(line)):
            self._end_paragraph()
            centred = _unmarked(line.strip("<> "))
            if line.endswith("<") and not _TRANSITION.match(centred.upper()):
                self._scene().items.append(Action(centred))
        elif self.blank and following.strip() and _is_cue(line):
            self._end_paragraph()
            self.speech = Speech(_cue_name(line), "", unseen=bool(_UNSEEN.search(line)))
            self._scene().items.append(self.speech)
        else:
            self.paragraph.append(line.lstrip("!~").strip())
        self.blank = False

    def close(self) -> None:
        self._end_paragraph()
        for scene in self.script.scenes:
            scene.items = [i for i in scene.items if i.text.strip()]

    def _starts_scene(self, line: str) -> bool:
        if _FORCED_HEADING.match(line):
            return self.blank
        return bool(_HEADING.match(line)) and (self.blank or line.split()[0].isupper())

    def _spoken(self, line: str) -> None:
        assert self.speech is not None
        if line.startswith("(") and line.endswith(")"):
            self.speech.manner = line.strip("()")
        else:
            self.speech.text = f"{self.speech.text} {_unmarked(line.lstrip('~'))}".strip()

    def _heading(self, line: str) -> None:
        self._end_paragraph()
        number = _NUMBER.search(line)
        heading = _NUMBER.sub("", line)
        interior: bool | None = None
        if _FORCED_HEADING.match(heading):
            heading = heading[1:]
        prefix = re.match(r"^(INT\.?/EXT|EXT\.?/INT|INT|EXT|EST|I/E)[. ]+", heading, re.IGNORECASE)
        if prefix:
            interior = prefix.group(1).upper().startswith(("INT", "I/E"))
            heading = heading[prefix.end() :]
        place, _, time = heading.rpartition(" - ") if " - " in heading else (heading, "", "")
        self.script.scenes.append(
            Scene(_spoken_case(place), _spoken_case(time), interior, number.group(1) if number else "")
        )

    def _scene(self) -> Scene:
        if not self.script.scenes:
            self.script.scenes.append(Scene())
        return self.script.scenes[-1]

    def _end_paragraph(self) -> None:
        if self.paragraph:
            self._scene().items.append(Action(_unmarked(" ".join(self.paragraph))))
            self.paragraph = []


def _is_cue(line: str) -> bool:
    """A character cue: "@name", or a short line in capitals (an extension in brackets aside)."""
    if line.startswith("@"):
        return len(line) > 1
    name = _EXTENSION.sub("", line).rstrip("^ ").strip()
    letters = [c for c in name if c.isalpha()]
    return (
        bool(letters)
        and all(not c.islower() for c in letters)
        and len(name) <= 40
        and name[-1] not in ".!?:,"
    )


def _cue_name(line: str) -> str:
    name = _EXTENSION.sub("", line.lstrip("@")).rstrip("^ ").strip()
    return _spoken_case(name)[:72]


def _spoken_case(text: str) -> str:
    """ "OLD HARBOUR" -> "Old harbour"; text that is not all capitals stays."""
    text = " ".join(text.split()).strip(" .-")
    return text[:1].upper() + text[1:].lower() if text.isupper() else text


def _unmarked(text: str) -> str:
    """Without the marks of emphasis."""
    return re.sub(r"(?<!\\)[*_]+", "", text).replace("\\", "").strip()
