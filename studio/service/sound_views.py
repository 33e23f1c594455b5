"""How the scratch sound of a film is shown."""

from __future__ import annotations

from studio.service.media import Signer
from studio.service.views import SoundView
from studio.store.tables import Project


def sound_view(project: Project, signer: Signer) -> SoundView | None:
    """The sound with its signed address; None without one."""
    if not project.sound:
        return None
    sha256, _, extension = project.sound.partition(".")
    return SoundView(
        url=signer.url(project.owner, sha256, extension),
        name=project.sound_name,
        seconds=project.sound_seconds,
        offset=project.sound_offset,
        volume=project.sound_volume,
        in_film=project.sound_in_film,
    )
