"""Which chapters the handbook has, and where they lie; what is needed at night comes first."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "operators"
GROUPS = {
    "Incidents and troubleshooting": ("troubleshooting", "incidents", "backup-and-restore"),
    "Daily operations": ("support", "routine", "legal"),
    "Launch": ("production-readiness", "launch", "deployment", "scaling", "risks"),
}
NAMES = tuple(name for names in GROUPS.values() for name in names)
