"""The timeline: cards of start-end pairs, and the one door through which news reach the page."""

from studio.ui.timeline.timeline import Timeline

__all__ = ["Timeline"]
