"""What would have gone to the error tracker."""

from collections.abc import Iterator
from contextlib import contextmanager

import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from core.observability import set_up_error_reports
from core.settings import Settings


class Reports(Transport):
    """Keeps the bytes of each envelope instead of sending them."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope.serialize().decode())


@contextmanager
def kept_reports() -> Iterator[Reports]:
    transport = Reports()
    set_up_error_reports(Settings(sentry_dsn="https://key@sentry.example.com/1"), transport=transport)
    with sentry_sdk.isolation_scope():  # what a test says of a user is not said of the next
        yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.init(default_integrations=False, auto_enabling_integrations=False)  # or it would read every body
