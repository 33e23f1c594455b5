"""Profiles as a page offers them: which there are, and whether this machine can draw with each."""

from __future__ import annotations

from dataclasses import replace

from engine.catalogue import FAMILIES, profile_of, variants_of
from engine.doctor import choice_here, refusal
from engine.errors import StageError
from engine.profile import Mode
from engine.profiles import KEY_VARIABLES, get_profile, image_key_found
from studio.project.film import owned_project
from studio.service.machine import machine_here
from studio.service.paid import paid_profile_refusal
from studio.service.parts import View
from studio.service.room import Room


class VariantView(View):
    """One way to draw with a family."""

    name: str
    words: str
    """What sets it apart: "8 steps, 4-bit weights, offloaded"; "as it is" for the family itself."""
    takes: str
    """What it takes of a GPU: "13.8 GiB"; empty where it needs none."""
    runs: bool
    reason: str
    """Why it does not run here; empty where it does."""


class ProfileView(View):
    """A family of profiles with the doctor's word on it."""

    family: str
    title: str
    note: str
    size: str
    name: str
    """The variant that fits this machine best; the family itself where none does."""
    runs: bool
    reason: str
    """The doctor's sentence: why it runs here as it does, or why it does not."""
    key_variable: str
    """The environment variable of the service's key; empty where none is needed."""
    key_found: bool
    """Whether that is set. What the key is, no view says."""
    variants: tuple[VariantView, ...]


class Profiles(Room):
    """The choice of what draws."""

    def profiles(self, owner: str, project_id: str) -> tuple[ProfileView, ...]:
        """All families in the table's order; the project's own variant is always among its family's."""
        with self.home.database.read() as session:
            present = owned_project(session, owner, project_id).profile
        return tuple(_family(family, present) for family in FAMILIES)


def _family(family: str, present: str) -> ProfileView:
    machine = machine_here()
    profile, choice = get_profile(family), choice_here(family, machine)
    if paid := paid_profile_refusal(family):
        choice = replace(choice, name="", sentence=paid)
    hosted = profile.mode is Mode.HOSTED
    names = dict.fromkeys(variants_of(family))
    if present.split("+")[0] == family:
        names.setdefault(present)
    return ProfileView(
        family=family,
        title=profile.title,
        note=profile.note,
        size=f"{profile.width}×{profile.height}",
        name=choice.name or family,
        runs=bool(choice.name),
        reason=choice.sentence,
        key_variable=(image_key_found() or KEY_VARIABLES[0]) if hosted else "",
        key_found=hosted and bool(image_key_found()),
        variants=tuple(_variant(name) for name in names) if len(names) > 1 else (),
    )


def _variant(name: str) -> VariantView:
    table = profile_of(name)
    try:
        why_not = refusal(get_profile(name), machine_here())
    except StageError as error:
        why_not = str(error)
    return VariantView(
        name=name,
        words=table.title.removeprefix(profile_of(table.family).title).strip(" ·") or "as it is",
        takes=f"{table.needs.vram:.1f} GiB" if table.needs.vram else "",
        runs=not why_not,
        reason=why_not,
    )
