"""How people say the terms of the camera in a note: "from below", "bird's eye", "push in"."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache

from engine.story import Angle, Framing, Movement, Scale, Support

_KINDS: dict[str, type[Enum]] = {
    "scale": Scale,
    "angle": Angle,
    "movement": Movement,
    "support": Support,
}
_SAID: dict[tuple[str, Enum], str] = {
    ("scale", Scale.ECU): "ecu|extreme close up|very close up",
    ("scale", Scale.CU): "cu|close up|closeup|face|portrait",
    ("scale", Scale.MCU): "mcu|medium close up|bust shot",
    ("scale", Scale.MS): "ms|mid shot|waist shot|medium",
    ("scale", Scale.MLS): "mls|cowboy shot",
    ("scale", Scale.LS): "ls|wide shot|full shot|wide",
    ("scale", Scale.ELS): "els|extreme wide shot|very wide shot|panorama|vista",
    ("angle", Angle.LOW): "from below|low|looking up at",
    ("angle", Angle.HIGH): "from above|high|looking down on",
    ("angle", Angle.EYE_LEVEL): "straight on|at eye level",
    ("angle", Angle.DUTCH): "dutch|canted|tilted horizon",
    ("angle", Angle.OVERHEAD): "bird's eye|bird's eye view|top shot|from overhead",
    ("angle", Angle.WORMS_EYE): "worm's eye view",
    (
        "movement",
        Movement.STATIC,
    ): "still camera|the camera is still|locked off|no camera movement|no movement",
    ("movement", Movement.DOLLY_IN): "push in|pushes in|moves? in|camera approaches",
    ("movement", Movement.DOLLY_OUT): "pull back|pulls back|pull out|pulls out|camera retreats",
    ("movement", Movement.TRUCK_LEFT): "track left|tracks left|tracking left",
    ("movement", Movement.TRUCK_RIGHT): "track right|tracks right|tracking right",
    ("support", Support.HANDHELD): "hand held|shaky",
    ("framing", Framing.OVER_THE_SHOULDER): "over the shoulder|over her shoulder|over his shoulder",
    ("framing", Framing.POINT_OF_VIEW): "point of view|pov",
    ("framing", Framing.TWO_SHOT): "two shot",
}


@lru_cache(maxsize=1)
def camera_terms() -> list[tuple[re.Pattern[str], tuple[str, Enum]]]:
    """Every way to say a term, the longest first, so that "medium close-up" is no "close-up"."""
    said: dict[str, tuple[str, Enum]] = {}
    for kind, members in _KINDS.items():
        said |= {str(member.value): (kind, member) for member in members}
    for (kind, member), phrases in _SAID.items():
        said |= dict.fromkeys(phrases.split("|"), (kind, member))
    ordered = sorted(said, key=len, reverse=True)
    return [(re.compile(rf"\b{_loose(p)}\b", re.IGNORECASE), said[p]) for p in ordered if p not in _TOO_SHORT]


_TOO_SHORT = frozenset(("crane", "dolly"))  # the movement or the support? only with a direction


def _loose(phrase: str) -> str:
    """A phrase with hyphens, spaces and apostrophes as people type them."""
    return re.sub(r"[ -]", "[ -]", phrase.replace("'", "['’]"))
