"""The base of all views, and small parts that several of them have."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from studio.project.continuity import CutKind
from studio.project.lineage import Freshness


class View(BaseModel):
    """Base of all views: immutable and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Staleness(View):
    """Computed, never stored. `reasons` are clauses for people: "shot 2 was redrawn", "the scale changed"."""

    freshness: Freshness = Freshness.FRESH
    reasons: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All reasons as one line; empty when fresh."""
        return "; ".join(self.reasons)


class CutView(View):
    """The cut from a shot's end to the next shot's start, as it was measured."""

    kind: CutKind
    """"within" a place and time, or "across" to another."""
    similarity: float
    """CLIP cosine of the two pictures."""
    shift: float
    """Colour shift: mean CIE delta E in L*a*b*."""
    reasons: tuple[str, ...]
    """What stands out among the film's cuts of this kind; empty for an ordinary cut."""


class ReferenceView(View):
    """A reference picture on a card."""

    id: str
    key: str
    """What memory calls it: "ref:Anna 2"."""
    url: str
    alt: str
    width: int
    height: int
    shots: int
    """In the memory of how many shots it is."""


class Contradiction(View):
    """What the description of a shot says against its fields or cards: the model gets both."""

    text: str
    """One sentence: "The words say desert, day; Place and Time say Harbour, night."."""
    action: str = ""
    """What would resolve it: "Set Place and Time"; empty where no field of the shot can."""
    fields: dict[str, str | tuple[str, ...]] = {}
    """The fields that the action sets, as `edit_shot` takes them."""
