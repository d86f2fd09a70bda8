"""Which chapters the handbook has, and where they lie; what is needed at night comes first."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "operators"
GROUPS = {
    "When something is wrong": ("troubleshooting", "incidents", "backup-and-restore"),
    "Every day": ("support", "routine"),
    "Before and at the launch": ("production-readiness", "launch", "deployment", "risks"),
}
NAMES = tuple(name for names in GROUPS.values() for name in names)
