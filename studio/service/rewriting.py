"""One shot, a bit different: the director proposes, the filmmaker accepts what they like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.agents.choice import Role
from engine.agents.model import open_model
from engine.errors import BadInput
from engine.profiles import get_profile
from studio.project.film import attribute_fields, load_film, owned_project, owned_shot
from studio.service.agents import agents_of
from studio.service.fields import shot_fields
from studio.service.room import Room
from studio.service.story_views import ProposedField, Rewriting
from studio.service.views import ShotView

LONGEST_NOTE = 2000
MOST_AGAIN = 1000


class Rewrites(Room):
    """Runs the director that the film chose on a single shot."""

    def rewrite_shot(self, owner: str, shot_id: str, note: str = "", seed: int = 0) -> Rewriting:
        """What the director would make of a shot, given its neighbours: by a note, or just another way.

        Writes nothing. Another seed proposes another way. Raises BadInput for a note that the built-in
        director cannot read, and ModelTrouble or Cancelled (`stop_directing`) where a language model directs.
        """
        if len(note) > LONGEST_NOTE:
            raise BadInput(f"A note has at most {LONGEST_NOTE} characters.")
        if not 0 <= seed <= MOST_AGAIN:
            raise BadInput(f"A seed of the director is a whole number from 0 to {MOST_AGAIN}.")
        with self.home.database.read() as session:
            shot = owned_shot(session, owner, shot_id)
            project = owned_project(session, owner, shot.project_id)
            film = load_film(session, project)
        if shot_id not in film.index:
            raise BadInput("This shot is not in the film (any more): bring it back first.")
        board, index = film.storyboard(), film.index[shot_id]
        profile, target = get_profile(project.profile), agents_of(project).target(Role.DIRECTOR)
        if target is None:
            from engine.director.rewrite import rewrite

            proposal = rewrite(board, index, note, profile=profile, seed=seed)
        else:
            from engine.director.model_rewrite import model_rewrite

            with self.directing.begin(project.id) as stopped, open_model(target) as model:
                proposal = model_rewrite(
                    model, board, index, note, profile=profile, seed=seed, cancelled=stopped
                )
        before = {"description": shot.description, **attribute_fields(board.shots[index].attributes)}
        after = {"description": proposal.shot.description, **attribute_fields(proposal.shot.attributes)}
        return Rewriting(
            shot_id=shot_id,
            note=note,
            seed=seed,
            fields=tuple(
                ProposedField(name=name, before=before[name], after=value)
                for name, value in after.items()
                if before[name] != value
            ),
            reasons=proposal.reasons,
            unread=proposal.unread,
        )

    def accept_rewriting(self, owner: str, shot_id: str, fields: Mapping[str, Any]) -> ShotView:
        """Writes fields of a proposal, all or some, as one command. Raises BadInput as `edit_shot`."""
        if not fields:
            raise BadInput("Choose at least one of the proposed changes.")
        with self._edit_shot(owner, shot_id) as (edit, shot):
            edit.recorder.set(shot, **shot_fields(shot, fields))
            edit.recorder.finish(f"rewrite {edit.number(shot)}")
        return self._shot_view(owner, shot_id)
