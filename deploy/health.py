"""Asks the web server of this container how it is; ends with 0 if it is well. No curl is in the image."""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection

_WITHIN_S = 2.5


def is_well(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=_WITHIN_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_well(int(os.environ.get("PORT", "8000")), sys.argv[1]) else 1)
