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

  /** The lines of an answer, as they arrive. Throws ApiError, and UnavailableError also where it breaks off. */
  async *lines(path: string, withinMs: number): AsyncGenerator<string> {
    const url = new URL(this.baseUrl + path);
    try {
      const { parts, ...head } = await this.transport.stream({ method: "GET", url, headers: this.headers, body: undefined, withinMs });
      if (head.status !== 200) throw refusalOf({ ...head, body: (await collected(linesOf(parts))).join("\n") });
      yield* linesOf(parts);
    } catch (error) {
      throw error instanceof Unreachable ? new UnavailableError(`The service could not be reached: ${error.why}.`) : error;
    }
  }

  /** One try that may wait long, and whose wait keeps no program alive. Throws Unreachable. */
  wait(path: string, headers: Readonly<Record<string, string>>, withinMs: number): Promise<Reply> {
    const url = new URL(this.baseUrl + path);
    const all = { ...this.headers, ...headers };
    return this.transport.send({ method: "GET", url, headers: all, body: undefined, withinMs, isIdle: true });
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
    const tooLate = new Unreachable(`no response within ${this.totalTimeoutMs} ms`, true);
    if (withinMs <= 0) return Promise.reject(tooLate);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const sent = this.transport.send({
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
    return sent.catch((error) => {
      throw error instanceof Unreachable && error.isLate ? tooLate : error;
    });
  }
}

async function* linesOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of parts) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

async function collected(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}
