"""What no slot holds of a shot (the skins of its people, the layout of its place), as vectors that are added
to its context tokens.

After a first shot only earlier frames tell them. A transformer that never met them but in pictures hardly
learns that they are conditions at all, so stage `facts` gives them to it as they are (privileged information,
Vapnik and Vashist 2009), and `context` then has the understanding model say the same vectors from pictures,
and from words where they tell them.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor, nn

from engine.training.sight import LOOK, PLACE
from engine.training.slots import CONTEXT_DIM
from engine.world.annotate import SLOT_NAMES
from engine.world.layout import VALUES
from engine.world.story import Story, WorldShot

LAYOUT = tuple(VALUES)
SLOTLESS = {
    "skin": len(LOOK["skin"]),
    "skin 2": len(LOOK["skin"]),
    **{fact: len(PLACE[fact]) for fact in LAYOUT},
}
"""Each fact, and how many values it has."""
# the slot to whose token a fact's vector is added: one that tells of the same person or place
_SLOT = {"skin": "coat", "skin 2": "coat 2", "palette": "setting", "side": "time", "variant": "weather"}
NOT_SHOWN = -100
"""No fact; no label, as cross entropy has it."""
NOTHING = [NOT_SHOWN] * len(SLOTLESS)


def slotless_facts(
    story: Story,
    shot: WorldShot,
    people: Collection[int] | None = None,
    locations: Collection[int] | None = None,
) -> list[int]:
    """Indices of SLOTLESS's values in a shot; NOT_SHOWN for people and places that are not among these (None:
    all are known).
    """
    skins = [story.people[i].skin if people is None or i in people else NOT_SHOWN for i in shot.who]
    at, known = story.locations[shot.location], locations is None or shot.location in locations
    place = [PLACE[fact].index(getattr(at, fact)) if known else NOT_SHOWN for fact in LAYOUT]
    return [*skins, *[NOT_SHOWN] * (2 - len(skins)), *place]


class FactTable(nn.Module):
    """A vector for each value of each fact."""

    def __init__(self, dim: int = CONTEXT_DIM) -> None:
        super().__init__()
        # about as long as a context token, of which each value has a mean square of 1
        self.vectors = nn.ParameterList(nn.Parameter(torch.randn(n, dim) * 0.7) for n in SLOTLESS.values())

    def forward(self, context: Tensor, facts: Tensor) -> Tensor:
        """Context tokens (B, 16, D) with what is known: `facts` (B, 5) as `slotless_facts` has them."""
        added = torch.zeros_like(context)
        for vectors, name, found in zip(self.vectors, SLOTLESS, facts.unbind(1), strict=True):
            known = (found != NOT_SHOWN)[:, None]
            token = torch.zeros(context.shape[1], 1).index_fill(
                0, torch.tensor(SLOT_NAMES.index(_SLOT[name])), 1.0
            )
            added = added + token * (vectors[found.clamp(min=0)] * known)[:, None]
        return context + added
