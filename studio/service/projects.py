"""Projects: make, list, look at, follow."""

from __future__ import annotations

from studio.service.views import Patch, ProjectCard, ProjectView


class Projects:
    """Projects of an owner."""

    def create_project(
        self, owner: str, title: str = "", theme: str = "", profile: str = "mini"
    ) -> ProjectView:
        """A new, empty project. Raises BadInput for an unknown profile."""
        raise NotImplementedError

    def projects(self, owner: str) -> tuple[ProjectCard, ...]:
        """All projects of the owner that are not in the trash, the last changed first."""
        raise NotImplementedError

    def project(self, owner: str, project_id: str) -> ProjectView:
        """All that the page needs."""
        raise NotImplementedError

    def changes(self, owner: str, project_id: str, since: int) -> Patch:
        """What changed after revision `since`: cheap enough to be asked every second."""
        raise NotImplementedError

    def delete_project(self, owner: str, project_id: str) -> None:
        """Moves a project to the trash; `restore_project` brings it back."""
        raise NotImplementedError

    def restore_project(self, owner: str, project_id: str) -> ProjectView:
        raise NotImplementedError
