"""Drawing a take again exactly: its own record is the input, not what the film says now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlmodel import Session

from engine.errors import BadInput, StageError
from engine.story import FrameSide
from studio.exchange.drawn_film import absent_of
from studio.jobs.orders import DrawInputs, DrawOrder, ResolvedFrame
from studio.project.conditions import Conditions, FrameRef, Packed
from studio.project.prompts import prompt_of
from studio.store.errors import NotFound
from studio.store.home import Home
from studio.store.tables import Job, Take

# What pixels may depend on, as people call it. The rest of a recipe is what the order itself repeats.
_MACHINE = {
    "weights": "the weights",
    "dtype": "the number format",
    "device": "the device",
    "batch": "the batch",
}


def again_order(session: Session, take: Take) -> DrawOrder:
    """The order that repeats a take: its settings and seed, in a batch as large as it was drawn in.

    Raises BadInput for an imported take of which not everything came along.
    """
    absent = absent_of(take).told()
    if absent:
        raise BadInput(
            f"This take came with a film, and not all that it was drawn from came along ({absent}), so it "
            "cannot be drawn again exactly: draw the shot anew."
        )
    recorded = Conditions.model_validate(take.conditions)
    seed, batch = int(take.recipe["seed"]), int(take.recipe.get("batch", 1))
    job = session.get(Job, take.job_id) if take.job_id else None
    seeds = tuple(job.order.get("seeds", ())) if job is not None else ()
    if len(seeds) != batch or seed not in seeds:  # it came from elsewhere: its neighbours do not matter
        seeds = (seed,) * batch
    return DrawOrder(
        seeds=seeds,
        steps=take.recipe["steps"],
        guidance=take.recipe["guidance"],
        memory_guidance=take.recipe.get("memory_guidance", 1.0),
        aspect=recorded.aspect,
        again=take.id,
        again_index=seeds.index(seed),
    )


def recorded_inputs(session: Session, take_id: str, picked: str | None) -> DrawInputs:
    """The words and the history that a take was drawn with. Its bank is its pack: frames that got no tile had
    no part.
    """
    take = session.get(Take, take_id)
    if take is None:
        raise StageError("The take to draw again was purged: draw the shot anew.")
    recorded = Conditions.model_validate(take.conditions)
    pack = [Packed.model_validate(frame) for frame in take.memory]
    packed = {(frame.key, frame.sha256) for frame in pack}
    return DrawInputs(
        prompt=recorded.prompt or prompt_of(recorded.words),
        words=recorded.words,
        previous=recorded.previous,
        memory=tuple(
            ResolvedFrame(
                ref=FrameRef(shot_id=f.shot_id, side=f.side, key=f.key, sha256=f.sha256),
                pinned=f.pinned,
                later=f.later,
            )
            for f in pack
            if f.shot_id is not None and f.side is not None
        ),
        bans=recorded.bans,
        bank=recorded.bank,
        picked=picked,
        scope=recorded.scope,
        references=tuple(ref for ref in recorded.references if (ref.key, ref.sha256) in packed),
        kept=recorded.kept,
    )


def check_frames(home: Home, inputs: DrawInputs) -> None:
    """Holds every recorded frame against its hash. Raises StageError that names the one that differs."""
    for key, sha256 in _frames(inputs):
        try:
            data = home.frame(sha256).read_bytes()
        except NotFound as error:
            raise StageError(f"{key} is not stored any more, so this take cannot be drawn again.") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StageError(f"{key} is damaged on the disk, so this take cannot be drawn again.")


def _frames(inputs: DrawInputs) -> Iterator[tuple[str, str]]:
    if inputs.previous is not None:
        yield f"The end frame {inputs.previous.key} that it continued from", inputs.previous.sha256
    for frame in inputs.memory:
        yield f"The frame {frame.ref.key} of its memory", frame.ref.sha256
    for picture in inputs.references:
        yield f"The picture {picture.key} of its memory", picture.sha256
    if inputs.kept is not None:
        yield f"The {inputs.kept.side.value} frame that was kept", inputs.kept.sha256


def compared(again: Take, original: Take | None) -> str:
    """Whether a repeated take came out the same, in words; with what differs between the machines, if not."""
    if original is None:
        return "drawn again from a take that was purged since"
    told = f"take {original.number} again"
    differs = list(_differences(again.recipe, original.recipe))
    sides = [side for side in FrameSide if _hash(again, side) != _hash(original, side)]
    if not sides:
        return f"{told}: the same pixels" + (f", though {_join(differs)}" if differs else "")
    where = "both frames differ" if len(sides) == 2 else f"the {sides[0].value} frame differs"
    if differs:
        return f"{told}: {where}; {_join(differs)}"
    return f"{told}: {where}, though nothing that is recorded does"


def _hash(take: Take, side: FrameSide) -> str:
    return take.start_sha256 if side is FrameSide.START else take.end_sha256


def _differences(now: dict[str, object], then: dict[str, object]) -> Iterator[str]:
    for name, words in _MACHINE.items():
        if now.get(name) != then.get(name):
            yield f"{words} changed"
    versions_now, versions_then = now.get("versions"), then.get("versions")
    if isinstance(versions_now, dict) and isinstance(versions_then, dict):
        for package in sorted({*versions_now, *versions_then}):
            before, after = versions_then.get(package, "none"), versions_now.get(package, "none")
            if before != after:
                yield f"{package} went from {before} to {after}"


def _join(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else parts[0]
