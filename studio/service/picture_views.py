"""Reference pictures as the page shows them, on the cards of people, places and the look."""

from __future__ import annotations

from studio.exchange.pictures import MAX_BYTES as MAX_BYTES  # for the page
from studio.project.film import FilmState
from studio.project.references import concerns, reference_refs
from studio.service.media import Signer
from studio.service.views import ReferenceView
from studio.store.states import Subject


def reference_views(film: FilmState, signer: Signer) -> dict[tuple[Subject, str], tuple[ReferenceView, ...]]:
    """The pictures of each person, place and shot, and of the look ("")."""
    rows = {row.id: row for row in film.references}
    found: dict[tuple[Subject, str], list[ReferenceView]] = {}
    for id, ref in reference_refs(film).items():
        view = ReferenceView(
            id=id,
            key=ref.key,
            url=signer.url(film.project.owner, ref.sha256, "png"),
            alt=f"Picture of {ref.name}",
            width=rows[id].width,
            height=rows[id].height,
            shots=sum(concerns(ref, shot) for shot in film.shots),
        )
        found.setdefault((ref.subject, ref.subject_id), []).append(view)
    return {whose: tuple(views) for whose, views in found.items()}
