"""The whole job on made-up people: a story that really happens, on this machine alone."""

from consortium.app.demo.story import run

__all__ = ["run"]
