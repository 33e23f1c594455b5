"""The film: export, download, media, the shipped example, and a film that was taken away and comes back."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import Session, select

from engine.errors import BadInput
from engine.video.film_size import Size, check_sizes
from studio.exchange.bundle import write_bundle
from studio.exchange.drawn_film import add_film, example_folders, read_film
from studio.exchange.unpack import LARGEST_FILM, unpacked
from studio.exchange.zips import ZipKind, file_name
from studio.jobs import queue
from studio.jobs.orders import ExportOrder, ExportShot, export_sound
from studio.project.clips import FilmClips, load_clips
from studio.project.film import FilmState, load_film, owned_project
from studio.service.agents import agents_of
from studio.service.cards import Cards
from studio.service.clips import check_renderer, clip_item
from studio.service.counts import newest_film
from studio.service.media import CONTENT_TYPES
from studio.service.room import Room
from studio.service.views import FilmView, JobView, MediaFile, ProjectView
from studio.store.errors import NotFound
from studio.store.states import JobKind
from studio.store.tables import Film, Job, Project, Take


class Films(Room):
    """From picked takes to an MP4."""

    def export(self, owner: str, project_id: str) -> JobView:
        """Queues the film: the worker refines and renders what is missing or stale, then assembles.

        An export that still waits is replaced. Raises BadInput when there are no shots, or some have no
        picture or one of another size than the others, and says which.
        """
        with self.home.database.write() as session:
            project = owned_project(session, owner, project_id)
            film = load_film(session, project)
            order = _export_order(session, film, load_clips(session, film))
            if any(item.ready is None for item in order.shots):
                check_renderer(film)
            mine = (Job.project_id == project_id, Job.kind == JobKind.EXPORT.value)
            for job in queue.waiting_jobs(session, *mine):
                queue.cancel(session, job)
            frames = sum(item.clip.frames for item in order.shots if item.ready is None)
            job = queue.enqueue(
                session,
                project,
                JobKind.EXPORT,
                "Make the film",
                order.model_dump(mode="json"),
                units=frames,
                profile=project.renderer,
            )
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project_id), self.signer).job(job)

    def film(self, owner: str, project_id: str) -> FilmView | None:
        """The newest exported film, or None."""
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project_id), self.signer).film_view()

    def film_path(self, owner: str, project_id: str) -> Path:
        """The newest film as a file on this machine. Raises NotFound before the first export."""
        with self.home.database.read() as session:
            film = _newest_film(session, owner, project_id)
        return self.home.blobs.existing(film.sha256, "mp4")

    def bundle(self, owner: str, project_id: str) -> Path:
        """A zip with film.mp4, film.json and the frames (PNG) of the newest export, made on request."""
        with self.home.database.read() as session:
            film = _newest_film(session, owner, project_id)
        return self._bundle(film)

    def media_path(self, name: str, key: str) -> MediaFile:
        """Resolves `/media/{name}?k={key}`: `name` is "<sha256>.<extension>", the hash that of the file or,
        for a zip, what `ZipKind.address` says. `<img>` cannot send an owner, so the owner is inside the
        signed key. Raises NotFound for a wrong signature, an unknown file or a name that is not a hash.
        """
        sha256, extension, alias = self.signer.check(name, key)
        if extension == "zip":
            path, filename = self._zip_of(sha256, alias)
        else:
            path, filename = self.home.blobs.existing(sha256, extension), None
        return MediaFile(path=path, content_type=CONTENT_TYPES[extension], filename=filename)

    def example(self, owner: str) -> ProjectView | None:
        """Gives an owner without any project the shipped example film; None when they had one already."""
        folders = example_folders()
        if not folders or self._has_projects(owner):
            return None
        drawn = read_film(folders[0], self.home.blobs)
        with self.home.database.write() as session:
            if session.exec(select(Project.id).where(Project.owner == owner)).first() is not None:
                return None
            project = add_film(session, owner, drawn)
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project.id), self.signer).project()

    def add_example(self, owner: str) -> ProjectView:
        """Adds the shipped example film to the owner's. Raises NotFound where none is shipped."""
        folders = example_folders()
        if not folders:
            raise NotFound("This installation has no example film: install it again with its assets.")
        return self._bring(owner, folders[0])

    def open_film(self, owner: str, path: Path) -> ProjectView:
        """Opens an exported film.zip as a new project: its shot list and its pairs, picked, and as stale as
        they were by their words and the frame before. Clips and the scratch sound are not in it. Raises
        BadInput for what is no such zip, and says why.
        """
        if path.stat().st_size > LARGEST_FILM:
            raise BadInput(f"A film.zip has at most {LARGEST_FILM // 1_000_000} MB: bring a shorter film.")
        with unpacked(path, self.home.cache) as folder:
            return self._bring(owner, folder)

    def _bring(self, owner: str, folder: Path) -> ProjectView:
        drawn = read_film(folder, self.home.blobs)
        with self.home.database.write() as session:
            project = add_film(session, owner, drawn)
        with self.home.database.read() as session:
            return Cards(session, owned_project(session, owner, project.id), self.signer).project()

    def _has_projects(self, owner: str) -> bool:
        with self.home.database.read() as session:
            return session.exec(select(Project.id).where(Project.owner == owner)).first() is not None

    def _bundle(self, film: Film) -> Path:
        with self.home.database.read() as session:
            ids = [clip["take_id"] for clip in film.conditions["clips"]]
            takes = [session.get_one(Take, id) for id in ids]
        return write_bundle(self.home, film, takes)

    def _zip_of(self, address: str, alias: str) -> tuple[Path, str]:
        """The zip of a row of the alias's that is asked for by this address, and its name for a download."""
        with self.home.database.read() as session:
            films = (id for id in session.exec(select(Film.id)) if ZipKind.FILM.address(id) == address)
            projects = (
                id for id in session.exec(select(Project.id)) if ZipKind.PREFERENCES.address(id) == address
            )
            film, project = session.get(Film, next(films, "")), session.get(Project, next(projects, ""))
            title = session.get_one(Project, film.project_id).title if film is not None else ""
        if film is not None and self.signer.alias(film.owner) == alias:
            return self._bundle(film), f"{file_name(title)}.zip"
        if project is not None and self.signer.alias(project.owner) == alias:
            path = ZipKind.PREFERENCES.path(self.home, project.id)
            if path.is_file():
                return path, f"{file_name(project.title)} preferences.zip"
        raise NotFound("There is no such file: make it again.")


def _newest_film(session: Session, owner: str, project_id: str) -> Film:
    owned_project(session, owner, project_id)
    film = newest_film(session, project_id)
    if film is None:
        raise NotFound("This project has no film yet: export it first.")
    return film


def _export_order(session: Session, film: FilmState, clips: FilmClips) -> ExportOrder:
    if not film.shots:
        raise BadInput("There are no shots yet: direct a theme or insert a shot first.")
    items = []
    missing = []
    for number, shot in enumerate(film.shots, start=1):
        item = clip_item(clips, shot)
        if item is None:
            missing.append(str(number))
        else:
            items.append(item)
    if missing:
        which = f"Shots {', '.join(missing)} have" if len(missing) > 1 else f"Shot {missing[0]} has"
        raise BadInput(f"{which} no picture yet: draw first, then make the film.")
    check_sizes([_size(session, clips, item) for item in items])
    head = film.storyboard().model_copy(update={"shots": []})
    project = film.project
    return ExportOrder(
        storyboard=head, shots=tuple(items), agents=agents_of(project), sound=export_sound(project)
    )


def _size(session: Session, clips: FilmClips, item: ExportShot) -> Size:
    """The size of the pair that a shot's clip is made of: a clip that was kept may have another one than the
    shot's own.
    """
    take_id = clips.picked[item.shot_id].clip.take_id if item.ready is not None else item.clip.take_id
    recipe = session.get_one(Take, take_id).recipe
    return int(recipe["width"]), int(recipe["height"])
