"""Shapes of real mail: what of each is read as words, which files come with it, and what is named as left out."""

import base64
from email.message import EmailMessage

import pytest

from core.clock import monotonic_s
from portal.support.inbound.bounded import NotRead, Reason
from portal.support.inbound.markup import words_of
from portal.support.inbound.origins import Origin
from portal.support.inbound.reading import Mail, read, shown
from portal.support.inbound.senders import sender_of

HEAD = (
    b"From: Ada <ada@people.example>\r\nTo: support@provider.example\r\nMessage-ID: <1@x.example>\r\nSubject: Help\r\n"
)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
IMAGE = (
    b"Content-Type: image/png; name=%s\nContent-Disposition: %s; filename=%s\nContent-Transfer-Encoding: base64\n\n%s\n"
)


def part(kind: str, body: bytes | str, *headers: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    return "\n".join([f"Content-Type: {kind}", *headers]).encode() + b"\n\n" + content + b"\n"


def several(kind: str, *parts: bytes, boundary: str = "b0") -> bytes:
    middle = b"".join(f"--{boundary}\n".encode() + one for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'.encode() + middle + f"--{boundary}--\n".encode()


def picture(name: str = "shot.png", disposition: str = "attachment", *headers: bytes) -> bytes:
    given = name.encode()
    return b"".join(header + b"\n" for header in headers) + IMAGE % (
        given,
        disposition.encode(),
        given,
        base64.encodebytes(PNG),
    )


def of(body: bytes, head: bytes = HEAD) -> Mail:
    return read(head + body)


def names(mail: Mail) -> list[str]:
    return [upload.name for upload in mail.uploads]


def test_apple_mail_text_around_a_file_is_read_whole() -> None:
    mail = of(several("mixed", part("text/plain", "before"), picture(), part("text/plain", "after")))

    assert (mail.words, names(mail)) == ("before\n\nafter", ["shot.png"])


def test_apple_mail_html_with_a_file_inside_an_alternative_loses_neither() -> None:
    rich = several("mixed", part("text/html", "<p>one</p>"), picture("a.png", "inline"), boundary="b1")

    mail = of(several("alternative", part("text/plain", "one"), rich))

    assert (mail.words, names(mail)) == ("one", ["a.png"])


def test_outlook_related_in_alternative_in_mixed_is_read() -> None:
    related = several(
        "related", part("text/html", "<p>x</p>"), picture("logo.png", "inline", b"Content-ID: <l>"), boundary="b2"
    )
    alternative = several("alternative", part("text/plain", "words"), related, boundary="b1")

    mail = of(several("mixed", alternative, picture("invoice.png")))

    assert (mail.words, names(mail)) == ("words", ["invoice.png", "logo.png"])


def test_attached_files_come_before_logos_when_there_are_many() -> None:
    logos = [picture(f"l{number}.png", "inline", b"Content-ID: <l>") for number in range(6)]

    mail = of(several("mixed", part("text/plain", "x"), *logos, picture("invoice.png")))

    assert names(mail)[0] == "invoice.png"
    assert mail.remarks == ("l4.png: more than 5 files", "l5.png: more than 5 files")


@pytest.mark.parametrize("empty", ["", "  \n\n", "\xa0\n"])
def test_an_empty_text_beside_html_is_not_what_somebody_wrote(empty: str) -> None:
    mail = of(several("alternative", part("text/plain; charset=utf-8", empty), part("text/html", "<p>It fails</p>")))

    assert mail.words == "It fails"


def test_signed_mail_is_read_and_its_signature_named() -> None:
    inner = several("alternative", part("text/plain", "signed words"), part("text/html", "<p>x</p>"), boundary="b1")

    mail = of(several("signed", inner, part('application/pkcs7-signature; name="smime.p7s"', "x")))

    assert (mail.words, mail.remarks) == ("signed words", ("smime.p7s: a signature",))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ('application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"', "smime.p7m: encrypted"),
        ("application/ms-tnef; name=winmail.dat", "winmail.dat: Outlook"),
        ("application/octet-stream; name=winmail.dat", "winmail.dat: Outlook"),
        ("application/x-msdownload; name=x.exe", "x.exe: unsupported file type"),
    ],
)
def test_what_cannot_be_read_is_named_on_the_request(kind: str, told: str) -> None:
    mail = of(several("mixed", part("text/plain", "see"), part(kind, b"\x00\x01")))

    assert f"[Not included: {told}" in shown(mail.words, mail.remarks)


def test_pgp_encrypted_mail_is_named_as_such() -> None:
    mail = of(
        several(
            "encrypted",
            part("application/pgp-encrypted", "Version: 1"),
            part("application/octet-stream; name=encrypted.asc", "-----BEGIN PGP MESSAGE-----\n\nx"),
        )
    )

    assert mail.words == ""
    assert "encrypted" in mail.remarks[1]


def test_an_invitation_comes_as_a_file_beside_its_words() -> None:
    calendar = part("text/calendar; method=REQUEST; charset=utf-8", "BEGIN:VCALENDAR\nEND:VCALENDAR")

    mail = of(several("alternative", part("text/plain", "Come"), part("text/html", "<p>Come</p>"), calendar))

    assert (mail.words, names(mail)) == ("Come", ["invitation.ics"])


def test_a_forwarded_mail_is_read_with_its_files() -> None:
    inner = b"From: Bob <bob@x.example>\nSubject: Broken\n" + several(
        "mixed", part("text/plain", "it says no"), picture(), boundary="b9"
    )

    mail = of(several("mixed", part("text/plain", "see below"), b"Content-Type: message/rfc822\n\n" + inner))

    assert mail.words.startswith("see below\n\n---------- Forwarded message ----------\nFrom: Bob <bob@x.example>")
    assert "it says no" in mail.words
    assert names(mail) == ["shot.png"]


def test_a_digest_is_read() -> None:
    mail = of(several("digest", b"\nSubject: one\n\nfirst\n", b"\nSubject: two\n\nsecond\n"))

    assert "first" in mail.words
    assert "second" in mail.words


def test_a_bounce_with_a_report_says_what_the_server_told_and_whose_answer_it_was() -> None:
    status = part("message/delivery-status", "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; eve@x\nStatus: 5.1.1\n")
    returned = b"Content-Type: message/rfc822\n\nReply-To: support+1001.aaaaaaaaaaaaaaaaaaaa@provider.example\n\nOurs\n"

    mail = of(several("report; report-type=delivery-status", part("text/plain", "Not delivered"), status, returned))

    assert mail.origin is Origin.BOUNCE
    assert mail.words == "Not delivered\n\nFinal-Recipient: rfc822; eve@x\nStatus: 5.1.1"
    assert mail.returned_to == ("support+1001.aaaaaaaaaaaaaaaaaaaa@provider.example",)


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ("Auto-Submitted: no", Origin.PERSON),
        ("Auto-Submitted: No (x)", Origin.PERSON),
        ("Auto-Submitted: (c) no", Origin.PERSON),
        ("Auto-Submitted:", Origin.PERSON),
        ("X-Autoreply: no", Origin.PERSON),
        ("X-Auto-Response-Suppress: None", Origin.PERSON),
        ("Precedence: normal", Origin.PERSON),
        ("Auto-Submitted: auto-replied", Origin.AUTOMATIC),
        ("Auto-Submitted: auto-generated; a=b", Origin.AUTOMATIC),
        ("X-Autoreply: yes", Origin.AUTOMATIC),
        ("X-Autorespond: x", Origin.AUTOMATIC),
        ("Precedence: auto_reply", Origin.AUTOMATIC),
        ("X-Auto-Response-Suppress: All", Origin.AUTOMATIC),
        ("X-Auto-Response-Suppress: DR, OOF", Origin.AUTOMATIC),
        ("List-Id: <a.b>", Origin.LIST),
        ("Precedence: bulk", Origin.LIST),
        ("Return-Path: <>", Origin.BOUNCE),
        ("X-Failed-Recipients: a@b.example", Origin.BOUNCE),
    ],
)
def test_machines_are_known_by_their_marks_alone(headers: str, origin: Origin) -> None:
    assert of(b"\nx", HEAD + headers.encode() + b"\n").origin is origin


@pytest.mark.parametrize(
    ("header", "email"),
    [
        ('"ada@people.example" <eve@elsewhere.example>', "eve@elsewhere.example"),
        ("ada@people.example <eve@elsewhere.example>", "eve@elsewhere.example"),
        ("eve@elsewhere.example (ada@people.example)", "eve@elsewhere.example"),
        ("=?utf-8?q?ada=40people=2Eexample?= <eve@elsewhere.example>", "eve@elsewhere.example"),
        ('"Ada <ada@people.example>" <eve@elsewhere.example>', "eve@elsewhere.example"),
        ("Ada <ada@people.example> <eve@elsewhere.example>", None),
        ("ada@people.example, eve@elsewhere.example", None),
        ("ada@people.example, x [y] <eve@elsewhere.example>", None),
        ("<ada@people.example>eve@elsewhere.example", None),
        ("alice@x.example)bob@y.example", None),
        ('"ada@people.example', None),
        ("undisclosed", None),
        ("Ada <>", None),
        ("Ada <ada@müller.example>", "ada@müller.example"),
        ("Ada <ada@xn--mller-kva.example>", "ada@müller.example"),
        ('"ada@x"@elsewhere.example', '"ada@x"@elsewhere.example'),
        ('"a b"@elsewhere.example', '"a b"@elsewhere.example'),
        ('"ada"@people.example', "ada@people.example"),
        (f"{'a' * 90}@people.example", f"{'a' * 90}@people.example"),
        ("Ada Lovelace, Countess <ada@people.example>", "ada@people.example"),
        ("Ada [x] <ada@people.example>", "ada@people.example"),
        ("Ada: Boss <ada@people.example>", "ada@people.example"),
        ("ada..x@people.example", "ada..x@people.example"),
        ("ADA@People.Example", "ada@people.example"),
    ],
)
def test_the_sender_is_read_as_an_address_and_never_searched_for(header: str, email: str | None) -> None:
    sender = sender_of([header])

    assert (sender.email if sender else None) == email
    assert sender is None or "@people" not in sender.name or sender.email == sender.name


def test_of_two_senders_none_is_believed() -> None:
    assert sender_of(["a@x.example", "b@x.example"]) is None
    assert sender_of([]) is None


def test_a_sender_in_bytes_of_utf_8_is_read() -> None:
    mail = of(b"\nx", "From: Jürgen <j@müller.example>\n".encode())

    assert mail.glimpse.sender is not None
    assert (mail.glimpse.sender.name, mail.glimpse.sender.email) == ("Jürgen", "j@müller.example")


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        ("utf-8", "Größe".encode()),
        ("us-ascii", "Größe".encode()),
        ("us-ascii", "Größe".encode("cp1252")),
        ("iso-8859-1", "Größe".encode()),
        ("klingon", "Größe".encode()),
        ("klingon", "Größe".encode("cp1252")),
        ("utf-8", "Größe".encode("cp1252")),
        ("punycode", "Größe".encode()),
        ("windows-1252", "Größe".encode("cp1252")),
        ("utf-16", "Größe".encode("utf-16")),
        ("utf-16le", "Größe".encode("utf-16-le")),
    ],
)
def test_words_are_read_whatever_is_said_of_their_alphabet(charset: str, content: bytes) -> None:
    body = part(f"text/plain; charset={charset}", base64.encodebytes(content), "Content-Transfer-Encoding: base64")

    assert of(body).words == "Größe"


def test_windows_quotes_under_the_name_of_latin_1_are_quotes() -> None:
    assert of(part("text/plain; charset=iso-8859-1", b"\x93ok\x94", "Content-Transfer-Encoding: 8bit")).words == "“ok”"


@pytest.mark.parametrize("broken", [b"SXQgZmFpbHM", b"SXQg!ZmFp*bHM=", b"SXQgZmFpbHM=\nfooter"])
def test_broken_base64_loses_nothing_that_can_be_read(broken: bytes) -> None:
    assert of(part("text/plain", broken, "Content-Transfer-Encoding: base64")).words.startswith("It fails")


def test_a_mail_of_49_kb_is_kept_whole_and_what_is_cut_is_said() -> None:
    words = "A line of a log.\n" * 3000

    mail = of(b"\n" + words.encode())

    assert shown(mail.words, mail.remarks) == words.rstrip("\n")
    assert "[Not included: 50,000 more characters of text]" in shown("x" * 150_000, [])


def test_styles_and_scripts_are_no_words_and_links_keep_their_address() -> None:
    markup = (
        "<html><head><style>p{color:red}</style><title>T</title></head><body><p>Two<br>lines</p><script>no()</script>"
        "<ul><li>one</ul><a href='https://x.example/a'>here</a> <img alt='a shot'></body></html>"
    )

    assert words_of(markup).split("\n") == ["Two", "lines", "", "* one", "", "here <https://x.example/a> [a shot]"]


@pytest.mark.parametrize(
    "markup", ["<style\n>p{}</style >hi", "<SCRIPT>x</SCRIPT>hi", "<!-- x -->hi", "<style>a</style>\nhi"]
)
def test_nothing_of_styles_in_odd_spellings_is_read(markup: str) -> None:
    assert words_of(markup).strip() == "hi"


def test_deeply_nested_html_is_read_in_time() -> None:
    started_s = monotonic_s()

    assert words_of("<div>" * 80_000 + "x") == "x"
    assert monotonic_s() - started_s < 5


def test_a_text_file_shown_within_the_mail_stays_a_file() -> None:
    log = part("text/plain; name=app.log", "a log", "Content-Disposition: inline; filename=app.log")

    assert names(of(several("mixed", part("text/plain", "see"), log))) == ["app.log"]
    assert of(several("mixed", log)).words == "a log"


def test_a_name_in_another_alphabet_is_the_name_of_the_file() -> None:
    message = EmailMessage()
    message["From"] = "ada@people.example"
    message.set_content("see")
    message.add_attachment(b"x", maintype="text", subtype="plain", filename="Größe.txt")

    assert names(read(message.as_bytes())) == ["Größe.txt"]


@pytest.mark.parametrize(
    "body",
    [
        several("mixed", *[b"\n\n"] * 200_000),
        b"".join(b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(1500)),
        b"a: b\n" * 100_000 + b"\nx",
        b"\n" + b"\n" * 5_000_000,
    ],
)
def test_what_is_too_much_to_read_is_refused_before_it_costs_time(body: bytes) -> None:
    started_s = monotonic_s()

    with pytest.raises(NotRead) as refused:
        of(body)

    assert refused.value.reason is Reason.TOO_COMPLEX
    assert monotonic_s() - started_s < 5


@pytest.mark.parametrize(
    "headers",
    [
        (b"To: " + b"a@b.example," * 1000 + b"\n") * 900,
        (b"From: " + b"a <a@b.example>," * 1000 + b"\n") * 900,
        b"Content-Type: text/plain; " + b"a=b; " * 3000 + b"\n",
        b"Subject: " + b"=?utf-8?q?a?= " * 1200 + b"\n",
        b"Cc: " + b"(" * 16_000 + b"\n",
        b"From: " + b'"' * 15_900 + b"\n",
    ],
)
def test_headers_made_to_take_long_take_no_time(headers: bytes) -> None:
    started_s = monotonic_s()

    of(b"\nx", HEAD + headers)

    assert monotonic_s() - started_s < 5


def test_copies_that_took_different_ways_are_one_and_mails_with_one_number_are_two() -> None:
    one, copy, other = (of(b"\nx"), of(b"\nx", b"Received: y\n" + HEAD), of(b"\nz"))

    assert one.fingerprint == copy.fingerprint
    assert one.fingerprint != other.fingerprint
