/** The client: checks, and the decision log. */

import type { BatchAnswer, BatchItem, CheckAnswer, CheckRequest, DecisionPage, DecisionView, KeyProbe } from "./api.js";
import { Calls } from "./calls.js";
import { type ClientOptions, configured } from "./configuration.js";
import { Decision, isAnswer } from "./decision.js";
import { ApiError, UnavailableError } from "./errors.js";
import { newId } from "./ids.js";
import { Offline } from "./offline.js";
import { errorOf } from "./refusals.js";
import { makeTransport, Unreachable } from "./transport.js";
import { VERSION } from "./version.js";

/** One of a batch: its decision, or the error for which there is none. */
export type BatchResult = { decision: Decision; error?: never } | { decision?: never; error: ApiError };

export interface CheckOptions {
  /** Names the check, so that asking again is the same decision. Made anew where it is not given. */
  readonly idempotencyKey?: string;
}

/** Keep one for as long as your program runs: it keeps its connections. */
export class Client {
  readonly #calls: Calls;
  readonly #offline: Offline;

  /** Throws ConfigurationError. */
  constructor(options: ClientOptions = {}) {
    const found = configured(options);
    const headers = {
      Authorization: `Bearer ${found.apiKey}`,
      Accept: "application/json",
      "User-Agent": `ai-governance-client/${VERSION} ${runtimeName()}`,
    };
    this.#calls = new Calls(makeTransport(found.connectTimeoutMs), found.baseUrl, headers, found.totalTimeoutMs);
    this.#offline = new Offline(this.#calls, found.onUnavailable);
  }

  /**
   * Asks whether an operation may go ahead, within the total timeout. Where the service can't be reached, `onUnavailable`
   * decides and `decidedBy` is "sdk". Throws ApiError where the service refuses the request: treat that as blocked.
   */
  async check(request: CheckRequest, options: CheckOptions = {}): Promise<Decision> {
    const key = options.idempotencyKey ?? newId();
    return this.#orWithout(
      async () => {
        const { answer } = await this.#calls.send({ method: "POST", path: "/v1/check", body: request, idempotencyKey: key });
        return this.#decided(answer, key);
      },
      (why) => this.#offline.decide(request, key, 0, why),
    );
  }

  /** Up to a hundred checks in one request, each decided or refused on its own, in the same order. */
  async checkMany(checks: readonly CheckRequest[], options: CheckOptions = {}): Promise<BatchResult[]> {
    const key = options.idempotencyKey ?? newId();
    return this.#orWithout(
      async () => {
        const { answer } = await this.#calls.send({
          method: "POST",
          path: "/v1/checks",
          body: { checks },
          idempotencyKey: key,
        });
        const results = (answer as Partial<BatchAnswer>).results;
        if (!Array.isArray(results) || results.length !== checks.length) throw new Unreachable("the answer is unusable");
        return results.map((item: BatchItem) => this.#result(item, key));
      },
      async (why) => {
        const decided = checks.map((request, place) => this.#offline.decide(request, key, place, why));
        return (await Promise.all(decided)).map((decision) => ({ decision }));
      },
    );
  }

  /** One decision of the log. Throws NotFoundError. */
  async decision(decisionId: string): Promise<DecisionView> {
    const path = `/v1/decisions/${encodeURIComponent(decisionId)}`;
    return (await this.#calls.fetch({ method: "GET", path })) as DecisionView;
  }

  /** The decision log, newest first. Filters are those of the API. */
  async *decisions(filters: Readonly<Record<string, string | number | boolean>> = {}): AsyncGenerator<DecisionView> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(filters)) query.set(name, String(value));
    for (;;) {
      const page = (await this.#calls.fetch({ method: "GET", path: `/v1/decisions?${query}` })) as DecisionPage;
      yield* page.decisions;
      if (!page.next_cursor) return;
      query.set("cursor", page.next_cursor);
    }
  }

  /** What this client's API key is good for just now. Counts as one request. */
  async inspectKey(): Promise<KeyProbe> {
    return (await this.#calls.fetch({ method: "POST", path: "/api/evaluate" })) as KeyProbe;
  }

  /** How many decisions were made without the service that it does not know yet. */
  get waiting(): number {
    return this.#offline.waiting;
  }

  /** Hands them over now; how many were taken. It is also done by itself after a check that succeeds. */
  async reconcile(): Promise<number> {
    try {
      return await this.#offline.reconcile();
    } catch (error) {
      if (error instanceof Unreachable) throw new UnavailableError(`The service could not be reached: ${error.why}.`);
      throw error;
    }
  }

  /** Closes kept connections. */
  close(): void {
    this.#calls.close();
  }

  async #orWithout<T>(ask: () => Promise<T>, decide: (why: string) => Promise<T>): Promise<T> {
    try {
      const answered = await ask();
      this.#offline.reconcileSoon();
      return answered;
    } catch (error) {
      if (error instanceof Unreachable) return decide(error.why);
      if (error instanceof ApiError && error.isUnavailable) return decide(error.code);
      throw error;
    }
  }

  #result(item: BatchItem, key: string): BatchResult {
    if (item.decision) return { decision: this.#decided(item.decision, key) };
    return { error: errorOf(item.status, item.problem ?? {}) };
  }

  #decided(answer: unknown, key: string): Decision {
    if (!isAnswer(answer)) throw new Unreachable("the answer is unusable");
    const given: CheckAnswer = answer;
    return new Decision("service", key, given, given);
  }
}

function runtimeName(): string {
  return typeof process === "undefined" ? "javascript" : `node/${process.versions.node}`;
}
