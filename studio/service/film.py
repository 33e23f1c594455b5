"""The film: export, download, media, the shipped example."""

from __future__ import annotations

from pathlib import Path

from studio.service.views import FilmView, JobView, MediaFile, ProjectView


class Film:
    """From picked takes to an MP4."""

    def export(self, owner: str, project_id: str) -> JobView:
        """Queues the film: the worker refines and renders what is missing or stale, then assembles.

        Raises BadInput when there are no shots or some have no picture, and says which.
        """
        raise NotImplementedError

    def film(self, owner: str, project_id: str) -> FilmView | None:
        """The newest exported film, or None."""
        raise NotImplementedError

    def film_path(self, owner: str, project_id: str) -> Path:
        """The newest film as a file on this machine. Raises NotFound before the first export."""
        raise NotImplementedError

    def bundle(self, owner: str, project_id: str) -> Path:
        """A zip with film.mp4, film.json and the frames (PNG) of the newest export, made on request."""
        raise NotImplementedError

    def media_path(self, name: str, key: str) -> MediaFile:
        """Resolves `/media/{name}?k={key}`: `name` is "<sha256>.<ext>". `<img>` cannot send an owner, so
        the owner is
        inside the signed key. Raises NotFound for a wrong signature, an unknown file or a name that is not
        a hash.
        """
        raise NotImplementedError

    def example(self, owner: str) -> ProjectView | None:
        """Gives an owner without any project the shipped example film; None when they have one already."""
        raise NotImplementedError
