"""Verifies an exported decision log offline: `python3 verify_decision_log.py evidence.ndjson [options]`.

Needs Python 3.11 and the package `cryptography`, nothing of the service. Ends with 0 when the file is intact, with 1
when something was changed, and with 2 when the file cannot be read. Options:

--key BASE64   A public key that you trust, from somewhere else than the file. Without it the file's first key is.
--head FILE    A head that you kept earlier; it must be in the file, byte for byte.

What is checked: every head is signed by the key, or by one that it took over from; every head names the hash of the one
before; the Merkle root over the rows is the head's; every row's text and salt give its commitment. A row without text
is accepted only if a later head names its position as erased, or if it was decided before the last head's
`purged_before`. The first head of a file that does not begin with the log's first one follows one that you do not see.
Nothing here proves that every decision was recorded, or that what was recorded was true: only that nothing was changed
since.
"""

import argparse
import base64
import hashlib
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

Entry = dict[str, Any]
Keys = dict[str, Ed25519PublicKey]
FIRST = "00" * 32


class Log:
    """What the file says, and what is wrong with it."""

    def __init__(self, path: Path, trusted: str | None) -> None:
        self.faults: list[str] = []
        self.texts: list[str] = []
        self.signatures: list[bytes] = []
        self.rows: list[list[Entry]] = []
        self.keys: Keys = {}
        self.is_complete = False
        with path.open(encoding="utf-8") as file:
            for line in file:
                self._take(json.loads(line), trusted)
        self.heads: list[Entry] = [json.loads(text) for text in self.texts]
        if not self.is_complete:
            self.faults.append("The end of the file is missing.")

    def _take(self, entry: Entry, trusted: str | None) -> None:
        if "keys" in entry:
            self.keys = trusted_keys(entry["keys"], trusted or entry["keys"][0]["public_key"])
        elif "head" in entry:
            self.texts.append(entry["head"])
            self.signatures.append(base64.b64decode(entry["signature"]))
            self.rows.append([])
        elif "decision_id" in entry:
            self.rows[-1].append(entry)
        elif entry.get("complete"):
            self.is_complete = entry["heads"] == len(self.texts)


def trusted_keys(keys: list[Entry], trusted: str) -> Keys:
    """By id: the one that is trusted, those before it as each states, and those after it that it signed."""
    known = {key["id"]: key for key in keys if id_of(key["public_key"]) == key["id"]}
    found = {id_of(trusted): load(trusted)}
    for _ in keys:
        for key in known.values():
            stated = json.loads(key["statement"])
            before = known.get(stated["predecessor"])
            if before is None or stated["public_key"] != key["public_key"]:
                continue
            if key["id"] in found and states(found[key["id"]], key, "signature"):
                found.setdefault(before["id"], load(before["public_key"]))
            if before["id"] in found and states(found[before["id"]], key, "predecessor_signature"):
                found.setdefault(key["id"], load(key["public_key"]))
    return found


def id_of(public_key: str) -> str:
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:16]


def load(public_key: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))


def states(public_key: Ed25519PublicKey, key: Entry, by: str) -> bool:
    return bool(key[by]) and verifies(public_key, base64.b64decode(key[by]), key["statement"])


def verifies(public_key: Ed25519PublicKey, signature: bytes, text: str) -> bool:
    try:
        public_key.verify(signature, text.encode())
    except InvalidSignature:
        return False
    return True


def root_of(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: a node is SHA-256(1, left, right); on the left is the largest full tree that is not all."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def commitment_of(row: Entry) -> str:
    return hashlib.sha256(bytes.fromhex(row["salt"]) + row["record"].encode()).hexdigest()


def leaf_of(row: Entry) -> bytes:
    return hashlib.sha256(b"\x00" + bytes.fromhex(row["decision_id"][4:] + row["commitment"])).digest()


def decided_at(row: Entry) -> datetime:
    """The first 48 bits of the id are milliseconds since 1970."""
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=int(row["decision_id"][4:16], 16))


def check(log: Log) -> None:
    """Fills the log's faults; each names a head or a decision."""
    spans = [span for head in log.heads for span in head["erased"]]
    erased = {position for first, last in spans for position in range(first, last + 1)}
    last_purge = log.heads[-1]["purged_before"] if log.heads else None
    purged_before = datetime.fromisoformat(last_purge) if last_purge else None
    for place, head in enumerate(log.heads):
        check_head(log, place, head)
        is_purged = purged_before and head["rows"] and datetime.fromisoformat(head["newest"]) < purged_before
        if log.rows[place] or not is_purged:
            check_rows(log, place, head, erased, purged_before)


def check_head(log: Log, place: int, head: Entry) -> None:
    key = log.keys.get(head["key"])
    if key is None or not verifies(key, log.signatures[place], log.texts[place]):
        log.faults.append(f"head {head['sequence']}: its signature is wrong, or its key is not trusted.")
    if not place:
        if head["sequence"] == 1 and head["previous"] != FIRST:
            log.faults.append("head 1: it is not the first.")
        return
    before = log.heads[place - 1]
    if head["sequence"] != before["sequence"] + 1:
        log.faults.append(f"head {before['sequence'] + 1}: it is missing.")
    elif head["previous"] != hashlib.sha256(log.texts[place - 1].encode()).hexdigest():
        log.faults.append(f"head {head['sequence']}: it does not follow the head before it.")


def check_rows(log: Log, place: int, head: Entry, erased: set[int], purged_before: datetime | None) -> None:
    rows = log.rows[place]
    for position, row in enumerate(rows, start=head["first"]):
        name = f"{row['decision_id']}, head {head['sequence']}, position {position}"
        if "record" in row:
            is_its_own = json.loads(row["record"])["id"].replace("-", "") == row["decision_id"][4:]
            if commitment_of(row) != row["commitment"] or not is_its_own:
                log.faults.append(f"{name}: the decision was changed.")
        elif position not in erased and not (purged_before and decided_at(row) < purged_before):
            log.faults.append(f"{name}: the decision was deleted.")
    if len(rows) != head["rows"] or root_of([leaf_of(row) for row in rows]).hex() != head["root"]:
        log.faults.append(f"head {head['sequence']}: a decision was inserted, left out, replaced or moved.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies an exported decision log offline.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", help="a public key that you trust, in Base64")
    parser.add_argument("--head", type=Path, help="a file with a head that you kept")
    given = parser.parse_args()
    try:
        log = Log(given.file, given.key)
        check(log)
        kept = json.loads(given.head.read_text())["head"] if given.head else None
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        sys.stderr.write(f"The file cannot be read: {error!r}\n")
        return 2
    if kept is not None and kept not in log.texts:
        log.faults.append("The head that you kept is not in the file: the log was cut off or replaced.")
    for fault in log.faults:
        sys.stdout.write(f"{fault}\n")
    outcome = "NOT INTACT" if log.faults else "Intact"
    sys.stdout.write(f"{outcome}: {len(log.texts)} heads, {sum(map(len, log.rows))} decisions.\n")
    return 1 if log.faults else 0


if __name__ == "__main__":
    sys.exit(main())
