/** What a client is made of, checked once. */

import { ConfigurationError } from "./errors.js";
import { exposedRuntime } from "./runtime.js";
import type { Tracer } from "./tracing.js";
import type { OnUnavailable } from "./unavailable.js";

export interface ClientOptions {
  /** The address of the service; AIG_URL where it is not given. */
  readonly baseUrl?: string;
  /** An API key; AIG_KEY where it is not given. */
  readonly apiKey?: string;
  /** What happens to a check while the service can't be reached. As your policies declare it, where it is not given; or else blocked. */
  readonly onUnavailable?: OnUnavailable;
  readonly connectTimeoutMs?: number;
  /** For the whole check, with its retry. */
  readonly totalTimeoutMs?: number;
  /** Where checks are decided: by the service, unless you say "local". */
  readonly decide?: "service" | "local";
  /** The public keys that may sign policies, for local decisions; AIG_BUNDLE_KEYS where they are not given. */
  readonly bundleKeys?: readonly string[];
  /** Where decisions that the service does not know yet are kept, and policies for local ones. A folder of this user and API key where it is not given. */
  readonly spoolFolder?: string;
  /** Of OpenTelemetry: records a span `ai_governance.check` for each check. There is none where it is not given. */
  readonly tracer?: Tracer;
}

export type Configuration = Required<Omit<ClientOptions, "spoolFolder" | "onUnavailable" | "tracer">> & {
  readonly spoolFolder: string | undefined;
  readonly onUnavailable: OnUnavailable | undefined;
  readonly tracer: Tracer | undefined;
};

/** Throws ConfigurationError. */
export function configured(options: ClientOptions): Configuration {
  const environment = typeof process === "undefined" ? {} : process.env;
  const found: Configuration = {
    baseUrl: addressIn(options.baseUrl ?? environment["AIG_URL"]),
    apiKey: keyIn(options.apiKey ?? environment["AIG_KEY"]),
    onUnavailable: options.onUnavailable,
    connectTimeoutMs: options.connectTimeoutMs ?? 2000,
    totalTimeoutMs: options.totalTimeoutMs ?? 3000,
    decide: options.decide ?? "service",
    bundleKeys: options.bundleKeys ?? environment["AIG_BUNDLE_KEYS"]?.split(/\s+/).filter(Boolean) ?? [],
    spoolFolder: options.spoolFolder,
    tracer: options.tracer,
  };
  if (!(found.connectTimeoutMs > 0) || !(found.totalTimeoutMs > 0)) {
    throw new ConfigurationError("Timeouts have to be more than 0 ms.");
  }
  if (typeof found.onUnavailable !== "function" && ![undefined, "block", "allow_and_report"].includes(found.onUnavailable)) {
    throw new ConfigurationError('onUnavailable must be "block", "allow_and_report" or a function of the request.');
  }
  if (found.decide !== "service" && found.decide !== "local") {
    throw new ConfigurationError('decide must be "service" or "local".');
  }
  if (found.decide === "local" && found.bundleKeys.length === 0) {
    throw new ConfigurationError("Pass bundleKeys or set AIG_BUNDLE_KEYS: the public keys that sign policies.");
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
