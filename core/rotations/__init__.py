"""When each secret of the service was changed last, and which is due. The secrets themselves stay in the settings."""

from core.rotations import cli, jobs

__all__ = ["cli", "jobs"]
