"""`stage evaluate`: held-out films of the world, drawn and measured against exact ground truth.

Beside every figure stand its ceiling (the truth after one way through the VAE: what a perfect generator of
this latent space would score) and its floor (true shots of other films instead of the drawn: chance). Ablated
arms are compared with the full model on the same films and seeds, by paired bootstrap.

Prompt following counts what the words tell: scale, setting, time, weather, who is there, where somebody
stands if they tell it, the layout (palette, side, variant) where a place first appears, and coat and skin
where a person does. Memory counts what only the pack can carry:
the film's own palette, side and variant of a place when it comes back to it, and the look of a person whom
neither the words of this shot nor the frame before show.

PSNR compares with the truth, which a drawing cannot guess where nothing tells it; "PSNR as read" with the
picture of the world that it was read as, so it says how clearly something of this world is drawn at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from engine.metrics.bootstrap import Interval, Tally, difference, mean
from engine.metrics.consistency import agreement, all_pairs, consistency, shot_features, transitions
from engine.metrics.features import WorldFeatures
from engine.metrics.held_out import Arm, HeldOut, draw_film, true_film
from engine.metrics.judge import LOOK, PLACE, Seen, as_read, pair_of, read
from engine.step2.latents import decode_frames, encode_frames, to_bytes, to_pixels
from engine.step2.pipeline import Step2Pipeline
from engine.world.story import WorldShot, in_slot, people_back

Measures = dict[str, Tally]
TOLD = ("scale", "setting", "time", "weather", "who", "action")


@dataclass(frozen=True)
class Evaluation:
    """Tallies of each arm, film by film, with those of the ceiling and the floor."""

    films: tuple[HeldOut, ...]
    arms: dict[str, list[Measures]]
    ceiling: list[Measures]
    floor: list[Measures]
    features: str

    def summary(self, arm: str) -> dict[str, dict[str, float | None]]:
        """{metric: {"value", "low", "high", "ceiling", "floor"}}; None where nothing was measured."""
        rows = {}
        for metric in _metrics(self.arms[arm]):
            interval = mean(_column(self.arms[arm], metric))
            rows[metric] = _plain(
                {
                    **asdict(interval),
                    "ceiling": mean(_column(self.ceiling, metric)).value,
                    "floor": mean(_column(self.floor, metric)).value,
                }
            )
        return rows

    def differences(self, arm: str, full: str = "full") -> dict[str, dict[str, float | None]]:
        """Full minus ablated, {metric: {"value", "low", "high"}}: positive where the part helps."""
        found: dict[str, Interval] = {
            metric: difference(_column(self.arms[full], metric), _column(self.arms[arm], metric))
            for metric in _metrics(self.arms[full])
        }
        return {metric: _plain(asdict(interval)) for metric, interval in found.items()}

    def report(self) -> dict[str, Any]:
        """Plain JSON: `summary` and `films` are of the last arm, the ablated one if any was asked for."""
        last = list(self.arms)[-1]
        return {
            "arm": last,
            "summary": self.summary(last),
            "films": [
                {
                    "seed": film.story.seed,
                    **{name: _plain({"value": _value(t)})["value"] for name, t in measures.items()},
                }
                for film, measures in zip(self.films, self.arms[last], strict=True)
            ],
            "arms": {arm: self.summary(arm) for arm in self.arms},
            "full minus ablated": {arm: self.differences(arm) for arm in self.arms if arm != "full"},
            "features": self.features,
        }


def evaluate(
    films: Sequence[HeldOut],
    arms: Mapping[str, tuple[Step2Pipeline, Arm]],
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Draws and measures every film in every arm; `progress(done, total)` counts films."""
    first = next(iter(arms.values()))[0]
    features = WorldFeatures(first.ranker)
    found: dict[str, list[Measures]] = {name: [] for name in arms}
    ceiling, floor = [], []
    for k, film in enumerate(films):
        truth = true_film(film)
        for name, (pipe, arm) in arms.items():
            found[name].append(measure(film, draw_film(pipe, film, arm), truth, features))
        ceiling.append(measure(film, reconstruct(first, truth), truth, features))
        floor.append(measure(film, shuffled(films, k), truth, features))
        pair_of.cache_clear()
        if progress is not None:
            progress(k + 1, len(films))
    return Evaluation(tuple(films), found, ceiling, floor, features.name)


def shuffled(films: Sequence[HeldOut], k: int) -> np.ndarray:
    """The truth of other films in place of film k's, each shot from another: only chance keeps anything."""
    others = [*films[k + 1 :], *films[:k]]
    return np.stack([true_film(others[i % len(others)])[i] for i in range(len(films[k].shots))])


@torch.inference_mode()
def reconstruct(pipe: Step2Pipeline, frames: np.ndarray) -> np.ndarray:
    """Frames (shots, 2, H, W, 3) through the VAE and back."""
    flat = frames.reshape(-1, *frames.shape[2:])
    latents = encode_frames(pipe.vae, to_pixels(flat).to(pipe.vae.device, pipe.vae.dtype))
    return to_bytes(decode_frames(pipe.vae, latents)).reshape(frames.shape)


def measure(film: HeldOut, frames: np.ndarray, truth: np.ndarray, features: WorldFeatures) -> Measures:
    """All metrics of one film: frames and truth are uint8 (shots, 2, H, W, 3)."""
    seen = [read(film.story, shot, pair) for shot, pair in zip(film.shots, frames, strict=True)]
    return {
        **_prompt(film, seen),
        **_movement(film, seen),
        **_memory(film, seen),
        **_consistency(film, _as_drawn(film, seen), frames, truth, features),
        "PSNR": _mean([_psnr(a, b) for a, b in zip(frames, truth, strict=True)]),
        "PSNR as read": _mean(
            [
                _psnr(pair, pair_of(*as_read(film.story, shot, pair, found)))
                for shot, pair, found in zip(film.shots, frames, seen, strict=True)
            ]
        ),
    }


def _prompt(film: HeldOut, seen: Sequence[Seen]) -> Measures:
    hits: dict[str, list[float]] = {fact: [] for fact in (*TOLD, "position", "layout", "coat", "skin")}
    met: set[int] = set()
    been: set[int] = set()
    for shot, found in zip(film.shots, seen, strict=True):
        asked = {
            "scale": shot.scale,
            "setting": film.story.locations[shot.location].setting,
            "time": film.story.time,
            "weather": film.story.weather,
            "who": shot.who,
            "action": shot.action,
        }
        for fact in TOLD:
            if fact in found:
                hits[fact].append(found[fact] == asked[fact])
        if "slot" in found and shot.slot != "centre":  # which goes without saying
            hits["position"].append(found["slot"] == shot.slot)
        if shot.location not in been:
            place = film.story.locations[shot.location]
            hits["layout"] += [found[fact] == getattr(place, fact) for fact in PLACE if fact in found]
        for index in set(shot.who) - met:
            for fact in ("coat", "skin"):
                if f"{fact} {index}" in found:
                    hits[fact].append(found[f"{fact} {index}"] == getattr(film.story.people[index], fact))
        met |= set(shot.who)
        been.add(shot.location)
    return {fact: _mean(values) for fact, values in hits.items()}


def _movement(film: HeldOut, seen: Sequence[Seen]) -> Measures:
    hits: dict[str, list[float]] = {"movement": [], "static": []}
    for shot, found in zip(film.shots, seen, strict=True):
        if "movement" in found:
            kind = "static" if shot.movement == "static" else "movement"
            hits[kind].append(found["movement"] == shot.movement)
    return {kind: _mean(values) for kind, values in hits.items()}


def _memory(film: HeldOut, seen: Sequence[Seen]) -> Measures:
    """What the film itself showed first, against what it shows where only memory can tell."""
    hits: dict[str, list[float]] = {f"memory {fact}": [] for fact in (*PLACE, *LOOK)}
    for i in film.returns:
        before = [j for j in range(i) if film.shots[j].location == film.shots[i].location]
        for fact in PLACE:
            _compare(hits, fact, seen, i, fact, before)
    for i in range(len(film.shots)):
        for index in sorted(people_back(film.shots, i)):
            before = [j for j in range(i) if index in film.shots[j].who]
            for fact in LOOK:
                _compare(hits, fact, seen, i, f"{fact} {index}", before)
    place = [hit for fact in PLACE for hit in hits[f"memory {fact}"]]
    look = [hit for fact in LOOK for hit in hits[f"memory {fact}"]]
    return {
        **{fact: _mean(values) for fact, values in hits.items()},
        "memory place": _mean(place),
        "memory look": _mean(look),
        "memory": _mean(place + look),
    }


def _compare(
    hits: dict[str, list[float]], fact: str, seen: Sequence[Seen], i: int, key: str, before: Sequence[int]
) -> None:
    """Compares shot i with the first shot before it that showed the fact, if both show it."""
    first = next((seen[j][key] for j in before if key in seen[j]), None)
    if first is not None and key in seen[i]:
        hits[f"memory {fact}"].append(seen[i][key] == first)


def _as_drawn(film: HeldOut, seen: Sequence[Seen]) -> list[WorldShot]:
    """The film's shots with people where they are drawn."""
    return [
        in_slot(shot, str(found["slot"])) if "slot" in found else shot
        for shot, found in zip(film.shots, seen, strict=True)
    ]


def _consistency(
    film: HeldOut,
    shots: Sequence[WorldShot],
    frames: np.ndarray,
    truth: np.ndarray,
    features: WorldFeatures,
) -> Measures:
    whole, true = (features.frames(f.reshape(-1, *f.shape[2:])) for f in (frames, truth))
    whole, true = (f.reshape(len(film.shots), 2, -1) for f in (whole, true))
    people: list[list[np.ndarray]] = [[] for _ in film.story.people]
    for shot, pair in zip(shots, frames, strict=True):
        for index, crops in features.figures(film.story, shot, pair).items():
            people[index].append(crops)
    across = [shot_features(np.stack(crops)) for crops in people if crops]
    places = shot_features(whole)
    words = features.words([shot.description for shot in film.board.shots])
    return {
        "SC": _mean([consistency(crops) for person in people for crops in person]),
        "BC": _mean([consistency(pair) for pair in whole]),
        "SC-E": _mean([consistency(person) for person in across]),
        "BC-E": _mean([consistency(places)]),
        "SC-E all pairs": _mean([all_pairs(person) for person in across]),
        "BC-E all pairs": _mean([all_pairs(places)]),
        "TVS-ref": _mean([agreement(transitions(whole), transitions(true))]),
        "TVS-text": _mean([agreement(transitions(whole), words[1:] - words[:-1])]),
    }


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = float(np.square(a.astype(float) - b.astype(float)).mean())
    return 10 * math.log10(255**2 / max(error, 1e-3))


def _mean(values: Sequence[float]) -> Tally:
    there = [float(v) for v in values if not math.isnan(v)]
    return Tally(sum(there), len(there))


def _value(tally: Tally) -> float:
    return tally.total / tally.count if tally.count else float("nan")


def _metrics(films: Sequence[Measures]) -> list[str]:
    return list(films[0])


def _column(films: Sequence[Measures], metric: str) -> list[Tally]:
    return [film[metric] for film in films]


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no nan."""
    return {key: None if math.isnan(value) else round(value, 5) for key, value in values.items()}
