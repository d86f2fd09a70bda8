"""Mails that an SMTP server has taken, noted on the local disk until the database knows it.

SMTP has no way to ask whether a mail was taken. A worker killed between the server's answer and the commit leaves
such a note, and whoever takes the mail over on this machine does not send it again.
"""

import os
from pathlib import Path
from uuid import UUID

import structlog

log = structlog.get_logger()

_FOLDER = "mail-taken"


def note(data_path: Path, mail_id: UUID) -> None:
    """A disk that takes no notes keeps no mail from being sent."""
    path = _path(data_path, mail_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            os.fsync(file.fileno())
    except OSError as error:
        log.warning("mail.receipt_not_noted", mail_id=str(mail_id), exc_info=error)


def has(data_path: Path, mail_id: UUID) -> bool:
    return _path(data_path, mail_id).exists()


def forget(data_path: Path, mail_id: UUID) -> None:
    """Once the database knows it."""
    try:
        _path(data_path, mail_id).unlink(missing_ok=True)
    except OSError as error:
        log.warning("mail.receipt_not_forgotten", mail_id=str(mail_id), exc_info=error)


def _path(data_path: Path, mail_id: UUID) -> Path:
    return data_path / _FOLDER / mail_id.hex
