"""Who may spend the owner's money: on a hosted studio every visitor is a stranger to the one who pays.

The keys of paid services are the owner's, and whoever opens a Hugging Face Space can use all that it has. So
there nothing paid can be chosen, unless the owner says that the public may.
"""

from __future__ import annotations

import os
from typing import Any

from engine.agents.keys import HOSTED_VARIABLE
from engine.errors import UnsupportedError
from engine.profile import Mode
from engine.profiles import get_profile
from engine.story import FrameRate
from engine.video.renderers import RENDERERS, get_renderer, quote
from studio.store.states import JobKind
from studio.store.tables import Job

PUBLIC_VARIABLE = "STAGE_PUBLIC_PAID"


def paid_profile_refusal(name: str) -> str:
    """Why nobody may draw with a profile here, in one sentence; "" where everybody may."""
    profile = get_profile(name)
    return _refusal(profile.title) if profile.mode is Mode.HOSTED else ""


def paid_renderer_refusal(name: str) -> str:
    """Why nobody may render with a renderer here, in one sentence; "" where everybody may."""
    renderer = get_renderer(name)
    return _refusal(renderer.title) if renderer.kind.remote else ""


def check_paid_again(job: Job, profile: str) -> None:
    """Raises UnsupportedError for a job that would be paid for when it is done again, by `profile`: it may
    have been made, or stopped, when something else was allowed or chosen.
    """
    why_not = ""
    if job.kind == JobKind.DRAW.value:
        why_not = paid_profile_refusal(profile)
    else:
        why_not = next(filter(None, map(paid_renderer_refusal, _renderers(job))), "")
    if why_not:
        raise UnsupportedError(why_not)


def costs_money(job: Job) -> bool:
    """Whether somebody pays for what a job orders."""
    if job.kind == JobKind.DRAW.value:
        return get_profile(job.profile).mode is Mode.HOSTED
    return any(get_renderer(name).kind.remote for name in _renderers(job))


def price_again(job: Job, profile: str) -> float | None:
    """What a job costs in dollars when it is done again, drawn by `profile`, as far as a plan can tell: see
    `quote`. None: it is paid, and only the service knows how much. What is ordered already and was not
    collected is not paid again; with a renderer that there is no more, nothing is.
    """
    if job.kind == JobKind.DRAW.value:
        return None if get_profile(profile).mode is Mode.HOSTED else 0.0
    known = (clip for clip in _clips(job) if clip["renderer"] in RENDERERS)
    return sum(
        quote(get_renderer(clip["renderer"]), clip["frames"], FrameRate.parse(clip["rate"])).dollars
        for clip in known
    )


def _renderers(job: Job) -> list[str]:
    """What a job renders clips with."""
    return sorted({clip["renderer"] for clip in _clips(job)})


def _clips(job: Job) -> list[dict[str, Any]]:
    """What a job renders, as its order has it (`ClipConditions`)."""
    if job.kind == JobKind.EXPORT.value:
        return [shot["clip"] for shot in job.order["shots"] if shot["ready"] is None]
    if job.kind == JobKind.RENDER.value and not job.order.get("text_only"):
        return [job.order["shot"]["clip"]]
    return []


def _refusal(title: str) -> str:
    if not os.environ.get(HOSTED_VARIABLE) or os.environ.get(PUBLIC_VARIABLE) == "1":
        return ""
    return (
        f"{title} costs money, and on this hosted studio its owner would pay: choose something free, or run "
        f"the studio on your own machine (its owner can let everybody use it with {PUBLIC_VARIABLE}=1)."
    )
