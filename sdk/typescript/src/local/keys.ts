/** Which keys may sign policies: those that the program pins, and those that they signed over to. */

import type { KeyObject } from "node:crypto";
import { ConfigurationError } from "../errors.js";
import { builtIn } from "../runtime.js";

export type Keys = ReadonlyMap<string, KeyObject>;

const KIND = "policy-bundle-key/1";
const MOST_PUBLISHED = 16;
const KEY_BYTES = 32;
/** What stands before an Ed25519 public key in DER (RFC 8410). */
const DER_PREFIX = "302a300506032b6570032100";

interface Published {
  readonly public_key: string;
  readonly statement: string;
  readonly predecessor_signature: string | null;
}

/** By id. Throws ConfigurationError. */
export function pinned(publicKeys: readonly string[]): Keys {
  return new Map(publicKeys.map((one) => [idOf(rawKey(one)), keyFrom(rawKey(one))]));
}

/** Those that are trusted, with those that one of them signed over to. */
export function followed(trusted: Keys, published: unknown): Keys {
  const found = new Map(trusted);
  const entries = (published as { keys: Published[] }).keys.slice(0, MOST_PUBLISHED);
  for (const _ of entries) {
    for (const entry of entries) {
      const stated = JSON.parse(entry.statement) as { kind?: unknown; public_key?: unknown; predecessor?: string | null };
      const before = found.get(stated.predecessor ?? "");
      const isSame = stated.kind === KIND && stated.public_key === entry.public_key;
      if (before === undefined || !isSame || !isSigned(before, entry.predecessor_signature ?? "", entry.statement)) continue;
      const raw = rawKey(entry.public_key);
      if (!found.has(idOf(raw))) found.set(idOf(raw), keyFrom(raw));
    }
  }
  return found;
}

/** Over the exact bytes of `body` in UTF-8. */
export function isSigned(key: KeyObject, signature: string, body: string): boolean {
  return builtIn("node:crypto").verify(null, Buffer.from(body), key, Buffer.from(signature, "base64"));
}

function rawKey(given: string): Buffer {
  const raw = Buffer.from(given, "base64");
  if (raw.length !== KEY_BYTES) throw new ConfigurationError("bundleKeys has to list Ed25519 public keys in base64.");
  return raw;
}

function keyFrom(raw: Buffer): KeyObject {
  const der = Buffer.concat([Buffer.from(DER_PREFIX, "hex"), raw]);
  return builtIn("node:crypto").createPublicKey({ key: der, format: "der", type: "spki" });
}

function idOf(raw: Buffer): string {
  return builtIn("node:crypto").createHash("sha256").update(raw).digest("hex").slice(0, 16);
}
