"""A small S3: what its protocol asks of a store, kept in memory, on a port of this machine."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote
from xml.etree import ElementTree as ET

from werkzeug import Request, Response
from werkzeug.serving import make_server

_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


class SmallS3:
    """One bucket. Keeps what it was sent, and whose key signed it."""

    def __init__(self, bucket: str, access_key_id: str) -> None:
        self.bucket, self.access_key_id = bucket, access_key_id
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.url = ""

    def __call__(self, environ: dict[str, object], start_response: object) -> object:
        request = Request(environ)
        bucket, _, key = request.path.lstrip("/").partition("/")
        if f"Credential={self.access_key_id}/" not in request.headers.get("Authorization", ""):
            answer = _problem(403, "InvalidAccessKeyId", "The key AKIA-QUOTED is not ours")
        elif bucket != self.bucket:
            answer = _problem(404, "NoSuchBucket", bucket)
        else:
            answer = self._answer(request, key)
        return answer(environ, start_response)  # type: ignore[arg-type]

    def _answer(self, request: Request, key: str) -> Response:
        if request.method == "GET" and not key:
            return self._list(request.args.get("prefix", ""))
        if request.method in {"GET", "HEAD"}:
            body = self.objects.get(key)
            return _problem(404, "NoSuchKey", key) if body is None else Response(body, headers=_facts(body))
        if request.method == "DELETE":
            self.objects.pop(key, None)
            self.uploads.pop(key, None)
            return Response(status=204)
        return self._put(request, key) if request.method == "PUT" else self._post(request, key)

    def _put(self, request: Request, key: str) -> Response:
        """A whole object, or a part of one that nobody sees yet."""
        body = request.get_data()
        if "partNumber" in request.args:
            self.uploads[key][int(request.args["partNumber"])] = body
        else:
            self.objects[key] = body
        return Response(headers=_facts(body))

    def _post(self, request: Request, key: str) -> Response:
        if "uploads" in request.args:
            self.uploads[key] = {}
            return _xml("InitiateMultipartUploadResult", f"<UploadId>{quote(key, safe='')}</UploadId>")
        if "uploadId" in request.args:
            parts = self.uploads.pop(key)
            self.objects[key] = b"".join(parts[number] for number in sorted(parts))
            return _xml("CompleteMultipartUploadResult", '<ETag>"whole"</ETag>')
        names = [one.text or "" for one in ET.fromstring(request.get_data()).iter() if one.tag.endswith("Key")]  # noqa: S314
        for name in names:
            self.objects.pop(name, None)
        return _xml("DeleteResult", "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names))

    def _list(self, prefix: str) -> Response:
        found = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(body)}</Size><ETag>&quot;{hashlib.md5(body).hexdigest()}&quot;</ETag>"  # noqa: S324
            "<LastModified>2026-11-22T02:00:00.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>"
            for key, body in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return _xml("ListBucketResult", f"<Name>{self.bucket}</Name><IsTruncated>false</IsTruncated>{found}")


def _facts(body: bytes) -> dict[str, str]:
    etag = hashlib.md5(body).hexdigest()  # noqa: S324  the protocol's
    return {"ETag": f'"{etag}"', "Last-Modified": "Sun, 22 Nov 2026 02:00:00 GMT"}


def _xml(name: str, inner: str, status: int = 200) -> Response:
    return Response(f'<{name} xmlns="{_SPACE}">{inner}</{name}>', status=status, content_type="application/xml")


def _problem(status: int, code: str, words: str) -> Response:
    return _xml("Error", f"<Code>{code}</Code><Message>{words}</Message>", status)


@contextmanager
def served(double: SmallS3) -> Iterator[SmallS3]:
    server = make_server("127.0.0.1", 0, double, threaded=True)  # type: ignore[arg-type]
    double.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
