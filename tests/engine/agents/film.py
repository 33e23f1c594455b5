"""What a competent model says as director, stage by stage, for any number of shots."""

from __future__ import annotations

from tests.engine.agents.fake_server import Answer, Json, Say, form_of, schema_of

CAST = [
    {"name": "Old Tom", "look": "an old man with grey hair in a yellow coat"},
    {"name": "Lia", "look": "a girl with brown hair in a red coat"},
]
PLACES = [
    {"name": "Harbour", "look": "wet stones and moored boats", "interior": "EXT"},
    {"name": "Hut", "look": "a small room with a lamp", "interior": "INT"},
]


def count(request: Json, what: str) -> int:
    """How many beats or shots a form asks for."""
    asked: int = schema_of(request)["properties"][what]["minItems"]
    return asked


def beat(number: int, frames: int = 48) -> Json:
    return {
        "text": f"Beat {number}: Tom comes nearer.",
        "new_scene": False,
        "place": "Harbour",
        "time": "night",
        "weather": "rain",
        "frames": frames,
    }


def shot(number: int) -> Json:
    return {
        "description": f"Old Tom finds Lia by the boats, moment {number}.",
        "scale": "medium shot" if number % 2 else "close-up",
        "angle": "eye level",
        "movement": "dolly in" if number == 1 else "static",
        "framing": "two-shot",
        "support": "tripod",
        "purpose": "coverage",
        "cast": ["Old Tom", "Lia"],
        "dialogue": "OLD TOM: Whose child are you?" if number == 2 else "",
        "sound": "rain",
    }


def stage(request: Json) -> Answer:
    """One stage of a small film."""
    match form_of(request):
        case "ThemeForm":
            return Say({"title": "The Lamp", "logline": "An old man finds a child.", "look": "soft light"})
        case "CastForm":
            return Say({"cast": CAST, "places": PLACES})
        case "BeatsForm":
            return Say({"beats": [beat(n) for n in range(1, count(request, "beats") + 1)]})
        case "ShotsForm":
            return Say({"shots": [shot(n) for n in range(1, count(request, "shots") + 1)]})
        case "ContinuityForm":
            return Say({"corrections": []})
        case other:
            raise AssertionError(f"nobody asks for {other}")
