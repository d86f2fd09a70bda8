/**
 * A provider's client that checks each call of a model first. Which addresses ask a model is a table for each provider;
 * what is in none is refused, so that what a new version brings never passes unchecked.
 */

import type { Client } from "../client.js";
import { Checker, type GovernanceOptions, NotCoveredError } from "./checker.js";

export interface Provider {
  readonly name: string;
  /** By path, without a query. */
  readonly operations: ReadonlyMap<string, string>;
  /** Of what is sent, and asks no model. */
  readonly free: RegExp;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly stream?: unknown;
}

/** What the clients of both providers have. Everything they send goes through the last two. */
interface ProviderClient {
  readonly baseURL: string;
  withOptions(options: object): object;
  request(call: unknown, ...rest: unknown[]): unknown;
  requestAPIList(page: unknown, call: unknown): unknown;
}

const READS = new Set(["get", "delete", "head"]);

/** A copy of `target`; that one stays as it is. */
export function governed<T extends object>(target: T, client: Client, provider: Provider, options: GovernanceOptions): T {
  const given = target as unknown as ProviderClient;
  const copy = given.withOptions({}) as ProviderClient;
  const checker = new Checker(client, options);
  const passed = async (pending: unknown): Promise<Call> => {
    const call = (await pending) as Call;
    await pass(call, checker, provider, copy.baseURL);
    return call;
  };
  const request = copy.request.bind(copy);
  const requestAPIList = copy.requestAPIList.bind(copy);
  const withOptions = copy.withOptions.bind(copy);
  return Object.assign(copy, {
    request: (call: unknown, ...rest: unknown[]) => request(passed(call), ...rest),
    requestAPIList: (page: unknown, call: unknown) => requestAPIList(page, passed(call)),
    withOptions: (changed: object) => governed(withOptions(changed), client, provider, options),
  }) as unknown as T;
}

async function pass(call: Call, checker: Checker, provider: Provider, baseUrl: string): Promise<void> {
  if (READS.has(call.method.toLowerCase())) return;
  const path = call.path.split("?", 1)[0] ?? "";
  const operation = provider.operations.get(path);
  if (operation === undefined) {
    if (provider.free.test(path)) return;
    throw new NotCoveredError(
      `${path} may ask a model and is not covered by this integration. Check it with client.check(), and call it on the client that is not governed.`,
    );
  }
  const field = fieldsOf(call.body);
  const decision = await checker.check({
    model: field("model"),
    operation,
    provider: provider.name,
    baseUrl,
    isStreaming: call.stream,
    maxTokens: field("max_tokens") ?? field("max_completion_tokens") ?? field("max_output_tokens"),
    ...(operation === "chat" ? { messages: field("messages") ?? field("input"), tools: field("tools") } : {}),
  });
  decision.throwIfBlocked();
}

/** Reads the fields that are asked for and no other: the rest is content. Of lists, only the length. */
function fieldsOf(body: unknown): (name: string) => unknown {
  if (body instanceof FormData) return (name) => body.get(name) ?? undefined;
  return (name) => (body as Record<string, unknown> | undefined)?.[name];
}
