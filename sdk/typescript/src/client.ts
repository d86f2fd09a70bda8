/** The client: checks, and what happens to them while the service is away. */

import type { BatchAnswer, BatchItem, CheckAnswer, CheckRequest } from "./api.js";
import { Calls } from "./calls.js";
import { type ClientOptions, configured } from "./configuration.js";
import { Decision, isAnswer } from "./decision.js";
import { ApiError, ConfigurationError, UnavailableError } from "./errors.js";
import { newId } from "./ids.js";
import { Decider } from "./local/decider.js";
import type { LocalDecisions } from "./local/local-decisions.js";
import { decideMany } from "./local/many.js";
import { Offline } from "./offline.js";
import { Records } from "./records.js";
import { errorOf } from "./refusals.js";
import { makeSpool } from "./spool.js";
import { type Tracer, traced } from "./tracing.js";
import { makeTransport, Unreachable } from "./transport.js";
import { Declared } from "./unavailable.js";
import { VERSION } from "./version.js";

const MOST_CHECKS = 100;

/** One of a batch: its decision, or the error for which there is none. */
export type BatchResult = { decision: Decision; error?: never } | { decision?: never; error: ApiError };

export interface CheckOptions {
  /** Names the check, so that asking again is the same decision. Made anew where it is not given. */
  readonly idempotencyKey?: string;
}

/** Keep one for as long as your program runs: it keeps its connections. */
export class Client extends Records {
  readonly #offline: Offline;
  readonly #declared: Declared;
  readonly #local: Decider | undefined;
  readonly #tracer: Tracer | undefined;

  /** Throws ConfigurationError. */
  constructor(options: ClientOptions = {}) {
    const found = configured(options);
    const headers = {
      Authorization: `Bearer ${found.apiKey}`,
      Accept: "application/json",
      "User-Agent": `ai-governance-client/${VERSION} ${runtimeName()}`,
    };
    super(new Calls(makeTransport(found.connectTimeoutMs), found.baseUrl, headers, found.totalTimeoutMs));
    this.#tracer = found.tracer;
    const handOverTheRest = () => this.#offline.reconcileSoon();
    this.#local = found.decide === "local" ? new Decider(found, this.calls, handOverTheRest) : undefined;
    this.#declared = new Declared((operation) => this.#local?.declared(operation));
    this.#offline = new Offline(this.calls, found.onUnavailable, this.#declared, makeSpool(found));
  }

  /** What decides in this process. Throws ConfigurationError for a client that was made without `decide: "local"`. */
  get local(): LocalDecisions {
    if (this.#local === undefined) {
      throw new ConfigurationError('This client asks the service: make it with decide: "local".');
    }
    return this.#local;
  }

  /**
   * Asks whether an operation may go ahead, within the total timeout. Where the service can't be reached, `onUnavailable`
   * and the policies decide, and `decidedBy` is "sdk". With `decide: "local"` it is decided in this process where it can be; one with an
   * `idempotencyKey` never is. Throws ApiError where the request is refused: treat that as blocked.
   */
  check(request: CheckRequest, options: CheckOptions = {}): Promise<Decision> {
    if (this.#tracer === undefined) return this.#check(request, options);
    return traced(this.#tracer, request, () => this.#check(request, options));
  }

  /** Runs it only if it may go ahead. Throws BlockedError in place of the run. */
  async guard<T>(request: CheckRequest, run: (decision: Decision) => T | Promise<T>): Promise<T> {
    return run((await this.check(request)).throwIfBlocked());
  }

  async #check(request: CheckRequest, options: CheckOptions): Promise<Decision> {
    const judged = options.idempotencyKey === undefined ? this.#local?.judge(request) : undefined;
    const told = judged && this.#local?.tell([judged])?.[0];
    if (told !== undefined) return told;
    const key = options.idempotencyKey ?? newId();
    return this.#orWithout(
      async () => {
        const { answer } = await this.calls.send({ method: "POST", path: "/v1/check", body: request, idempotencyKey: key });
        const decision = this.#decided(answer, key);
        this.#declared.note(request.operation, decision.onUnreachable);
        return decision;
      },
      (why) => this.#offline.decide(request, key, 0, why),
    );
  }

  /** Up to a hundred checks in one request, each decided or refused on its own, in the same order. */
  async checkMany(checks: readonly CheckRequest[], options: CheckOptions = {}): Promise<BatchResult[]> {
    const isLocal = options.idempotencyKey === undefined && checks.length > 0 && checks.length <= MOST_CHECKS;
    if (this.#local !== undefined && isLocal) {
      return decideMany(this.#local, checks, (left) => this.#askMany(left, newId()));
    }
    return this.#askMany(checks, options.idempotencyKey ?? newId());
  }

  #askMany(checks: readonly CheckRequest[], key: string): Promise<BatchResult[]> {
    return this.#orWithout(
      async () => {
        const { answer } = await this.calls.send({
          method: "POST",
          path: "/v1/checks",
          body: { checks },
          idempotencyKey: key,
        });
        const results = (answer as Partial<BatchAnswer>).results;
        if (!Array.isArray(results) || results.length !== checks.length) throw new Unreachable("the answer is unusable");
        return results.map((item: BatchItem, place) => {
          const result = this.#result(item, key);
          if (result.decision) this.#declared.note(checks[place]?.operation ?? "", result.decision.onUnreachable);
          return result;
        });
      },
      async (why) => {
        const decided = checks.map((request, place) => this.#offline.decide(request, key, place, why));
        return (await Promise.all(decided)).map((decision) => ({ decision }));
      },
    );
  }

  /** How many decisions were made without the service that it does not know yet, by any process with this folder. */
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

  /**
   * Closes kept connections, once a hand-over that is under way is answered. With `decide: "local"` it hands over first what
   * was decided here. What can't be handed over now stays on disk for the next client.
   */
  async close(): Promise<void> {
    if (this.#local !== undefined) await this.#local.close();
    await this.#offline.close();
    this.calls.close();
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
