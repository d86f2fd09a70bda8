/** A bundle of signed policies: verified, and for how long it may decide. */

import { type Bundle, bundleIn, policyFrom } from "../engine/bundle.js";
import type { Policy } from "../engine/evaluator.js";
import { ForTheService } from "../engine/refusal.js";
import { isSigned, type Keys } from "./keys.js";

/** A bundle that is from further in the future than this was read by a clock that is wrong. */
const CLOCKS_DIFFER_MS = 300_000;
const NEWER = "the policies are newer than this client: update ai-governance-client";

/** Why a bundle can't be used. */
export class Refused extends Error {}

/** It is signed by a key that is not trusted, or not yet. */
export class UnknownKey extends Refused {}

/** `policy` is undefined where only the service can decide, for the reason `whyNot`. */
export class Held {
  readonly policy: Policy | undefined;
  readonly whyNot: string = "";
  readonly #issuedAtMs: number;
  readonly #notAfterMs: number;
  /** On the clock that never goes back. */
  readonly #holdsUntilMs: number;

  constructor(readonly bundle: Bundle) {
    this.#issuedAtMs = Date.parse(bundle.issued_at);
    this.#notAfterMs = Date.parse(bundle.not_after);
    this.#holdsUntilMs = performance.now() + Math.max(0, this.#notAfterMs - Date.now());
    try {
      this.policy = policyFrom(bundle);
    } catch (error) {
      this.whyNot = error instanceof ForTheService ? error.message : NEWER;
    }
  }

  faultOfTime(): string | undefined {
    const now = Date.now();
    if (!(now >= this.#issuedAtMs - CLOCKS_DIFFER_MS)) return "the clock of this machine is wrong";
    if (!(now <= this.#notAfterMs && performance.now() <= this.#holdsUntilMs)) return "the policies have expired";
    return undefined;
  }

  isOlderThan(other: Held): boolean {
    const [revision, others] = [this.bundle.revision, other.bundle.revision];
    return revision < others || (revision === others && this.#issuedAtMs < other.#issuedAtMs);
  }
}

/** Throws Refused, or UnknownKey where the keys that are published may help. Nothing is read that is not signed. */
export function verified(body: string, signature: string, keys: Keys, fingerprint: string): Held {
  const [keyId = "", ...signed] = signature.split("=");
  const key = keys.get(keyId);
  if (key === undefined) throw new UnknownKey("it is signed by an unknown key");
  if (!isSigned(key, signed.join("="), body)) throw new Refused("its signature is wrong");
  const bundle = bundleIn(body);
  if (bundle === undefined) throw new Refused("it is of a newer format: update ai-governance-client");
  if (bundle.key_fingerprint !== fingerprint) throw new Refused("it is for another API key");
  const held = new Held(bundle);
  const fault = held.faultOfTime();
  if (fault !== undefined) throw new Refused(fault);
  return held;
}
