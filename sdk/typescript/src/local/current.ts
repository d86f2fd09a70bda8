/** Keeps the newest policies: from disk at the start, and then by waiting for changes. */

import type { Calls } from "../calls.js";
import { refusalOf } from "../refusals.js";
import { Unreachable } from "../transport.js";
import { warn } from "../warning.js";
import { type Held, Refused, UnknownKey, verified } from "./held.js";
import { followed, type Keys, pinned } from "./keys.js";
import { BundleStore } from "./store.js";

const WAIT_S = 25;
const ANSWER_MS = 10_000;
const PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 60_000;
const BUNDLE = "/v1/policy/bundle";
const KEYS = "/v1/policy/bundle-keys";
const SAME = 304;

export class Current {
  readonly #store: BundleStore;
  readonly #some: Promise<void>;
  #keys: Keys;
  #held: Held | undefined;
  #etag = "";
  #whyNot = "no policies yet";
  #isOver = false;
  #hasSome: () => void = () => undefined;
  #wake: () => void = () => undefined;

  constructor(
    private readonly calls: Calls,
    bundleKeys: readonly string[],
    folder: string,
    private readonly fingerprint: string,
  ) {
    this.#keys = pinned(bundleKeys);
    this.#store = new BundleStore(folder);
    this.#some = new Promise((resolve) => {
      this.#hasSome = resolve;
    });
    this.#load();
  }

  get held(): Held | undefined {
    return this.#held;
  }

  get whyNot(): string | undefined {
    if (this.#held === undefined) return this.#whyNot;
    return this.#held.faultOfTime() ?? (this.#held.whyNot || undefined);
  }

  /** A program lives for as long as it waits for this. */
  async waitForSome(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#some, late]);
    clearTimeout(timer);
  }

  start(): void {
    void this.#keepCurrent();
  }

  stop(): void {
    this.#isOver = true;
    this.#hasSome();
    this.#wake();
  }

  /** Asks for newer policies once; how long to pause before the next time. Rejects with Refused, ApiError or Unreachable. */
  async refresh(waitS = 0): Promise<number> {
    const began = performance.now();
    const isWaiting = this.#etag !== "" && waitS > 0;
    const headers: Record<string, string> = this.#etag === "" ? {} : { "If-None-Match": this.#etag };
    const path = isWaiting ? `${BUNDLE}?wait=${waitS}` : BUNDLE;
    const reply = await this.calls.wait(path, headers, waitS * 1000 + ANSWER_MS);
    if (reply.status === SAME) return isWaiting && performance.now() - began > waitS * 500 ? 0 : PAUSE_MS;
    if (reply.status >= 401 && reply.status <= 403) {
      this.#drop(`the service refuses this API key: ${refusalOf(reply).detail || reply.status}`);
      return LONGEST_PAUSE_MS;
    }
    if (reply.status !== 200) throw new Unreachable(`status ${reply.status}`);
    await this.#take(reply.body, reply.header("policy-signature") ?? "");
    this.#etag = reply.header("etag") ?? "";
    return 0;
  }

  async #keepCurrent(): Promise<void> {
    let pauseMs = 0;
    while (!this.#isOver) {
      pauseMs = await this.#refreshed(pauseMs);
      if (!this.#isOver) await this.#pause(pauseMs);
    }
  }

  #pause(pauseMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pauseMs).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** How long to pause next; `pauseMs` is how long it was. */
  async #refreshed(pauseMs: number): Promise<number> {
    try {
      return (await this.refresh(WAIT_S)) * (0.8 + 0.4 * Math.random());
    } catch (error) {
      if (!(error instanceof Refused)) return Math.min(LONGEST_PAUSE_MS, 2 * pauseMs + 1000 * (1 + Math.random()));
      this.#whyNot = error.message;
      warn(`signed policies were refused: ${error.message}`);
      return LONGEST_PAUSE_MS;
    }
  }

  #load(): void {
    const found = this.#store.read();
    if (found === undefined) return;
    try {
      this.#accept(verified(found.body, found.signature, this.#keys, this.fingerprint));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#whyNot = error.message;
    }
  }

  /** Rejects with Refused. */
  async #take(body: string, signature: string): Promise<void> {
    const held = await this.#verified(body, signature);
    this.#accept(held);
    try {
      this.#store.write(body, signature, held.bundle.revision);
    } catch (error) {
      warn(`the policies could not be kept on disk: ${(error as NodeJS.ErrnoException).code ?? "unknown"}`);
    }
  }

  async #verified(body: string, signature: string): Promise<Held> {
    try {
      return verified(body, signature, this.#keys, this.fingerprint);
    } catch (error) {
      if (!(error instanceof UnknownKey)) throw error;
      this.#keys = followed(this.#keys, await this.calls.fetch({ method: "GET", path: KEYS }));
      return verified(body, signature, this.#keys, this.fingerprint);
    }
  }

  /** Throws Refused for one that is older than another before it. */
  #accept(held: Held): void {
    const isOlder = this.#held !== undefined && held.isOlderThan(this.#held);
    if (isOlder || held.bundle.revision < this.#store.newestRevision()) {
      throw new Refused("it is older than the policies before it");
    }
    this.#held = held;
    this.#hasSome();
    if (held.whyNot) warn(`checks are decided by the service: ${held.whyNot}`);
  }

  #drop(why: string): void {
    warn(`local decisions have ended: ${why}`);
    this.#held = undefined;
    this.#etag = "";
    this.#whyNot = why;
    this.#store.remove();
  }
}
