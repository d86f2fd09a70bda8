/** One request and its answer, within what is left of a deadline. */

import type { Agent, ClientRequest, IncomingMessage } from "node:http";
import { ConfigurationError } from "./errors.js";

export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly withinMs: number;
  /** A program may end while it waits for this. */
  readonly isIdle?: boolean;
}

export interface Reply {
  readonly status: number;
  readonly body: string;
  header(name: string): string | undefined;
}

/** An answer that is read as it arrives. */
export interface Arriving extends Omit<Reply, "body"> {
  readonly parts: AsyncIterable<Uint8Array>;
}

export interface Transport {
  /** Throws Unreachable. */
  send(request: Outgoing): Promise<Reply>;
  /** Each part of the answer has as long as a whole one has otherwise. Throws Unreachable, also while it is read. */
  stream(request: Outgoing): Promise<Arriving>;
  close(): void;
}

/** No answer came. `isLate`: because the time was over, so that another try has none. */
export class Unreachable extends Error {
  constructor(
    readonly why: string,
    readonly isLate = false,
  ) {
    super(why);
  }
}

const MOST_BYTES = 16 * 1024 * 1024;

export function makeTransport(connectTimeoutMs: number): Transport {
  const builtIn = typeof process === "undefined" ? undefined : process.getBuiltinModule;
  return builtIn === undefined ? new FetchTransport() : new NodeTransport(connectTimeoutMs);
}

/** Connections are kept and reused, and connecting has a deadline of its own. */
class NodeTransport implements Transport {
  readonly #http = process.getBuiltinModule("node:http");
  readonly #https = process.getBuiltinModule("node:https");
  readonly #agents: { http: Agent; https: Agent };
  readonly #connectTimeoutMs: number;

  constructor(connectTimeoutMs: number) {
    this.#connectTimeoutMs = connectTimeoutMs;
    const options = { keepAlive: true, maxSockets: 64, timeout: 60_000 };
    this.#agents = { http: new this.#http.Agent(options), https: new this.#https.Agent(options) };
  }

  send(request: Outgoing): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const sent = this.#begin(request);
      const late = setTimeout(
        () => sent.destroy(new Unreachable(`no response within ${request.withinMs} ms`, true)),
        request.withinMs,
      );
      if (request.isIdle) {
        late.unref();
        sent.once("socket", (socket) => socket.unref());
      }
      const done = <T>(settle: (value: T) => void) => (value: T) => {
        clearTimeout(late);
        settle(value);
      };
      const fail = done<Error>((error) => reject(unreachable(error)));
      sent.on("error", fail);
      sent.on("response", (response) => collect(response, done(resolve), fail));
      sent.end(request.body);
    });
  }

  stream(request: Outgoing): Promise<Arriving> {
    return new Promise((resolve, reject) => {
      const sent = this.#begin(request);
      sent.setTimeout(request.withinMs, () => sent.destroy(new Unreachable(`nothing more within ${request.withinMs} ms`)));
      sent.on("error", (error) => reject(unreachable(error)));
      sent.on("response", (response) => resolve({ ...headOf(response), parts: readable(response) }));
      sent.end(request.body);
    });
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #begin(request: Outgoing): ClientRequest {
    const isTls = request.url.protocol === "https:";
    const agent = isTls ? this.#agents.https : this.#agents.http;
    const options = { method: request.method, headers: withLength(request), agent };
    const sent = (isTls ? this.#https : this.#http).request(request.url, options);
    this.#limitConnecting(sent, isTls ? "secureConnect" : "connect");
    return sent;
  }

  #limitConnecting(sent: ClientRequest, connected: string): void {
    sent.once("socket", (socket) => {
      if (!socket.connecting) return;
      const within = this.#connectTimeoutMs;
      const late = setTimeout(() => sent.destroy(new Unreachable(`no connection within ${within} ms`)), within);
      socket.once(connected, () => clearTimeout(late));
      sent.once("close", () => clearTimeout(late));
    });
  }
}

function withLength(request: Outgoing): Record<string, string> {
  const length = request.body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(request.body)) };
  return { ...request.headers, ...length };
}

function collect(response: IncomingMessage, resolve: (reply: Reply) => void, fail: (error: Error) => void): void {
  const pieces: Buffer[] = [];
  let bytes = 0;
  response.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > MOST_BYTES) response.destroy(new Unreachable("the answer is too long"));
    pieces.push(piece);
  });
  response.on("error", fail);
  response.on("end", () => resolve({ ...headOf(response), body: Buffer.concat(pieces).toString("utf8") }));
}

function headOf(response: IncomingMessage): Omit<Reply, "body"> {
  return {
    status: response.statusCode ?? 0,
    header: (name) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
  };
}

async function* readable(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* parts;
  } catch (error) {
    throw unreachable(error as Error);
  }
}

function unreachable(error: Error): Unreachable {
  if (error instanceof Unreachable) return error;
  return new Unreachable("code" in error && typeof error.code === "string" ? error.code : error.name);
}

/** Where there is no Node: fetch tells nothing of connecting, so that only the whole has a deadline. */
class FetchTransport implements Transport {
  async send(request: Outgoing): Promise<Reply> {
    const signal = AbortSignal.timeout(request.withinMs);
    try {
      const response = await fetch(request.url, {
        method: request.method,
        headers: request.headers,
        signal,
        redirect: "error",
        ...(request.body === undefined ? {} : { body: request.body }),
      });
      const body = await response.text();
      return { status: response.status, body, header: (name) => response.headers.get(name) ?? undefined };
    } catch (error) {
      if (signal.aborted) throw new Unreachable(`no response within ${request.withinMs} ms`, true);
      throw new Unreachable(error instanceof Error ? error.name : "unknown");
    }
  }

  stream(): Promise<Arriving> {
    return Promise.reject(new ConfigurationError("An export needs Node.js."));
  }

  close(): void {}
}
