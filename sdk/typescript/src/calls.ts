/** One call of the API: the request, one retry where it can't double anything, and an answer or an error. */

import { UnavailableError } from "./errors.js";
import { refusalOf, retryAfterMs } from "./refusals.js";
import { type Reply, type Transport, Unreachable } from "./transport.js";

const RETRIED = new Set([429, 502, 503, 504]);
const LONGEST_RETRY_AFTER_MS = 1000;
const PAUSE_MS = 50;

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

export class Calls {
  constructor(
    private readonly transport: Transport,
    private readonly baseUrl: string,
    private readonly headers: Readonly<Record<string, string>>,
    private readonly totalTimeoutMs: number,
  ) {}

  /** The JSON of the answer. Throws ApiError for a refusal, and Unreachable where no answer came or none that is JSON. */
  async send(call: Call): Promise<{ answer: unknown; reply: Reply }> {
    const reply = await this.#withRetry(call, performance.now() + this.totalTimeoutMs);
    if (reply.status < 200 || reply.status > 299) throw refusalOf(reply);
    try {
      return { answer: JSON.parse(reply.body), reply };
    } catch {
      throw new Unreachable("the answer is not JSON");
    }
  }

  /** As `send`, of a call that is no check. Throws UnavailableError in place of Unreachable. */
  async fetch(call: Call): Promise<unknown> {
    try {
      return (await this.send(call)).answer;
    } catch (error) {
      if (error instanceof Unreachable) throw new UnavailableError(`The service could not be reached: ${error.why}.`);
      throw error;
    }
  }

  close(): void {
    this.transport.close();
  }

  async #withRetry(call: Call, deadline: number): Promise<Reply> {
    const isSafe = call.method === "GET" || call.idempotencyKey !== undefined;
    let pauseMs = PAUSE_MS;
    try {
      const reply = await this.#once(call, deadline);
      const wantedMs = retryAfterMs(reply) ?? (reply.status === 429 ? Number.POSITIVE_INFINITY : PAUSE_MS);
      if (!isSafe || !RETRIED.has(reply.status) || wantedMs > LONGEST_RETRY_AFTER_MS) return reply;
      if (performance.now() + wantedMs >= deadline) return reply;
      pauseMs = wantedMs;
    } catch (error) {
      if (!isSafe || !(error instanceof Unreachable) || error.isLate) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    return this.#once(call, deadline);
  }

  #once(call: Call, deadline: number): Promise<Reply> {
    const withinMs = Math.ceil(deadline - performance.now());
    if (withinMs <= 0) return Promise.reject(new Unreachable(`no answer within ${this.totalTimeoutMs} ms`, true));
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    return this.transport.send({
      method: call.method,
      url: new URL(this.baseUrl + call.path),
      headers: {
        ...this.headers,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(call.idempotencyKey === undefined ? {} : { "Idempotency-Key": call.idempotencyKey }),
      },
      body,
      withinMs,
    });
  }
}
