"""Views of clips: their takes, what they were rendered from, and what rendering would cost."""

from __future__ import annotations

from datetime import datetime

from studio.service.views import Staleness, View


class ClipView(View):
    """A rendered clip of a shot. Immutable; rendering again adds another."""

    id: str
    shot_id: str
    number: int
    """Counts from 1 within the shot: "clip 2"."""
    take_id: str
    take_number: int
    """The take of the pair that it moves between."""
    picked: bool
    url: str
    text: str
    """R_i, as the renderer got it."""
    by_hand: bool
    """Somebody wrote that text."""
    renderer: str
    """Title of the renderer, for people."""
    seconds: float
    """How long it plays."""
    made_in: float
    """Time to render it on this machine; 0 when imported."""
    created: datetime
    staleness: Staleness


class RenderQuote(View):
    """What rendering would take, before anything is begun."""

    shots: int
    frames: int
    seconds: float
    """Length of the clips."""
    wait: float | None
    """Seconds on this machine, learnt from finished work; None while nothing was rendered here."""
    dollars: float
    """What a paid service asks; 0 for renderers of this machine."""
    gpu_minutes: float | None
    """Published minutes of one GPU, where there is such a figure."""
    slowed: float
    """How many times slower than made the longest shot plays: the renderer makes no clip of its length. 1.0:
    none does.
    """
    basis: str
    """Where the figure of the cost comes from."""


class RendererView(View):
    """A renderer that the film may be rendered with."""

    name: str
    title: str
    note: str
    lengths: str
    """Which lengths it makes; "any" when exactly what is asked."""
    sizes: str
    cost: str
    """For people: "free", "$0.40 a second"."""
    hindrance: str
    """Why it cannot be used on this machine; empty where it can."""
    key_variable: str
    """The environment variable of its key ("A or B" until one of them is set); empty where it needs none."""
    key_found: bool
    """Whether that is set. What the key is, no view says."""
