"""The whole world is built once for each file that asks for it."""

from tests.portal.launch.whole import here

__all__ = ["here"]
