"""What answers tell browsers about safety: HSTS and its kind everywhere, the content security policy on pages."""

SECURITY_HEADERS: tuple[tuple[str, str], ...] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Strict-Transport-Security", "max-age=63072000; includeSubDomains"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

_ALWAYS = (("Cache-Control", "no-store"), *SECURITY_HEADERS)
_LINES_ALWAYS = "".join(f"{name.lower()}: {value}\r\n" for name, value in _ALWAYS)

PAGE_HEADERS: tuple[tuple[str, str], ...] = (
    (
        "Content-Security-Policy",
        (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; "
            "form-action 'self' https://checkout.stripe.com https://billing.stripe.com; "
            "base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
        ),
    ),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    (
        "Permissions-Policy",
        (
            "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
            "microphone=(), midi=(), payment=(), usb=(), publickey-credentials-create=(self), "
            "publickey-credentials-get=(self)"
        ),
    ),
)


def lines_of_answer(content_type: str, body: bytes, *, request_id: str) -> str:
    """The same as `headers_of_answer`, as lines. Raises ValueError for an id with a line break in it."""
    if "\n" in request_id or "\r" in request_id:
        raise ValueError("the id of a request has a line break in it")
    return (
        f"content-type: {content_type}\r\ncontent-length: {len(body)}\r\nx-request-id: {request_id}\r\n{_LINES_ALWAYS}"
    )


def headers_of_answer(content_type: str, body: bytes, *, request_id: str) -> list[tuple[str, str]]:
    """What every answer has that Flask does not finish."""
    return [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("X-Request-Id", request_id),
        *_ALWAYS,
    ]
