/** Anthropic 1: `govern(new Anthropic(), client)` is an Anthropic client that checks each call of a model first. */

import type { Client } from "../client.js";
import type { GovernanceOptions } from "./checker.js";
import { governed, type Provider } from "./governed.js";

export { type GovernanceOptions, NotCoveredError } from "./checker.js";

const ANTHROPIC: Provider = {
  name: "anthropic",
  operations: new Map([
    ["/v1/messages", "chat"],
    ["/v1/complete", "text_completion"],
  ]),
  free: /^\/v1\/(?:files(?:\/.*)?|messages\/count_tokens|messages\/batches\/[\w-]+\/cancel)$/,
};

/** A blocked call throws BlockedError, one that is not covered NotCoveredError; neither reaches the provider. */
export function govern<T extends object>(anthropic: T, client: Client, options: GovernanceOptions = {}): T {
  return governed(anthropic, client, ANTHROPIC, options);
}
