/** What a client is made of, checked once. */

import { ConfigurationError } from "./errors.js";
import type { OnUnavailable } from "./offline.js";
import { exposedRuntime } from "./runtime.js";

export interface ClientOptions {
  /** The address of the service; AIG_URL where it is not given. */
  readonly baseUrl?: string;
  /** An API key; AIG_KEY where it is not given. */
  readonly apiKey?: string;
  /** What happens to a check while the service can't be reached. Blocks, unless you say otherwise. */
  readonly onUnavailable?: OnUnavailable;
  readonly connectTimeoutMs?: number;
  /** For the whole check, with its retry. */
  readonly totalTimeoutMs?: number;
}

export type Configuration = Required<ClientOptions>;

/** Throws ConfigurationError. */
export function configured(options: ClientOptions): Configuration {
  const environment = typeof process === "undefined" ? {} : process.env;
  const found: Configuration = {
    baseUrl: addressIn(options.baseUrl ?? environment["AIG_URL"]),
    apiKey: keyIn(options.apiKey ?? environment["AIG_KEY"]),
    onUnavailable: options.onUnavailable ?? "block",
    connectTimeoutMs: options.connectTimeoutMs ?? 2000,
    totalTimeoutMs: options.totalTimeoutMs ?? 3000,
  };
  if (!(found.connectTimeoutMs > 0) || !(found.totalTimeoutMs > 0)) {
    throw new ConfigurationError("Timeouts have to be more than 0 ms.");
  }
  if (typeof found.onUnavailable !== "function" && !["block", "allow_and_report"].includes(found.onUnavailable)) {
    throw new ConfigurationError('onUnavailable has to be "block", "allow_and_report" or a function of the request.');
  }
  return found;
}

function addressIn(given: string | undefined): string {
  if (!given || !URL.canParse(given) || !/^https?:/.test(given)) {
    throw new ConfigurationError("Give baseUrl, or set AIG_URL, to the address of the service.");
  }
  return given.replace(/\/+$/, "");
}

function keyIn(given: string | undefined): string {
  if (!given || !/^aig_(live|test)_[\x21-\x7e]+$/.test(given)) {
    throw new ConfigurationError("Give apiKey, or set AIG_KEY, to an API key. It begins with aig_live_ or aig_test_.");
  }
  const exposed = given.startsWith("aig_live_") ? exposedRuntime() : undefined;
  if (exposed !== undefined) {
    throw new ConfigurationError(
      `This is a live API key in ${exposed}, where others could read it. Send checks from your server, and revoke this key if it was published.`,
    );
  }
  return given;
}
