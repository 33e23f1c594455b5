"""The director: a theme or a screenplay becomes a storyboard (STAGE, eq. 7). Imports no torch.

`BreakdownDirector` needs no language model: it breaks the words down as a first assistant director would
(who, where, when, what happens), writes a beat sheet, and films it by the grammar of coverage.
`ModelDirector` thinks with a language model, where the user chose one.
"""

from engine.director.breakdown_director import BreakdownDirector
from engine.director.rewrite import Proposal, rewrite
from engine.director.stages import (
    Beats,
    CastList,
    Director,
    Filmed,
    Logline,
    PlaceList,
    ShotList,
    Stage,
    Warnings,
    Working,
    direct_all,
)

__all__ = [
    "Beats",
    "BreakdownDirector",
    "CastList",
    "Director",
    "Filmed",
    "Logline",
    "PlaceList",
    "Proposal",
    "ShotList",
    "Stage",
    "Warnings",
    "Working",
    "direct_all",
    "rewrite",
]
