"""Pictures, clips and films, by a route of our own.

Gradio's file route has no check of who asks, and would serve uploaded HTML inline. Ours resolves only signed
names of stored files: `/media/<sha256>.<ext>?k=<key>`. A name never changes what it shows, so a browser may
keep it for ever; but for zips, which are named after a film or a project and made anew.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import HTTPException, Request
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute

from engine.errors import StageError
from studio.service.studio import Studio

HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
SHOWN = ("image/png", "video/mp4", "audio/mpeg", "audio/wav", "audio/mp4")


def media_route(studio: Studio) -> APIRoute:
    """The route that `<img>`, `<video>` and download links of the page point to. A file without a name here
    is called what the link says (`download`), which a name would win over.
    """

    def media(name: str, request: Request) -> FileResponse:
        try:
            found = studio.media_path(name, request.query_params.get("k", ""))
        except StageError as error:
            raise HTTPException(404, "There is no such picture.") from error
        kind = "inline" if found.content_type in SHOWN else "attachment"
        return FileResponse(
            found.path,
            media_type=found.content_type,
            filename=found.filename,
            content_disposition_type=kind,
            headers=HEADERS | ({"Cache-Control": "no-cache"} if name.endswith(".zip") else {}),
        )

    endpoint: Callable[..., FileResponse] = media
    return APIRoute("/media/{name}", endpoint, methods=["GET", "HEAD"])
