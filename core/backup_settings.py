"""The settings of backups."""

from typing import Annotated

import msgspec
from msgspec import Meta


class BackupSettings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    backup_url: Annotated[
        Annotated[str, Meta(pattern="^(file:///.+|s3://.+)$")] | None,
        Meta(description="Where backups go: `file:///folder` or `s3://bucket/prefix`. Empty: `backups` in `DATA_DIR`."),
    ] = None
    backup_key: Annotated[
        Annotated[str, Meta(pattern="^AGE-SECRET-KEY-1")] | None,
        Meta(description="An age key that encrypts backups. Empty: one created in `DATA_DIR` (not in production)."),
    ] = None
    backup_key_previous: Annotated[
        Annotated[str, Meta(pattern="^AGE-SECRET-KEY-1")] | None,
        Meta(description="The previous key, as long as backups encrypted with it are kept."),
    ] = None
    backup_verify_url: Annotated[
        str | None, Meta(description="A server on which backups are verified. Empty: that of `DATABASE_URL`.")
    ] = None
    backup_s3_endpoint: Annotated[
        Annotated[str, Meta(pattern="^https?://")] | None, Meta(description="An S3-compatible store. Empty: AWS.")
    ] = None
    backup_s3_region: Annotated[str | None, Meta(description="Region of the bucket.")] = None
    backup_s3_access_key_id: Annotated[str | None, Meta(description="Empty: the machine's role is used.")] = None
    backup_s3_secret_access_key: Annotated[str | None, Meta(description="Belongs to the access key ID.")] = None
    postgres_bin: Annotated[
        str | None, Meta(description="The folder with `pg_dump` and `pg_restore`. Empty: the `PATH` is searched.")
    ] = None
