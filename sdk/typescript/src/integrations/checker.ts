/** One check for one call of a framework. */

import type { CheckRequest } from "../api.js";
import type { Client } from "../client.js";
import type { Decision } from "../decision.js";
import { AiGovernanceError, ConfigurationError } from "../errors.js";
import { countsOf } from "./counts.js";

export interface GovernanceOptions {
  /** Facts that go with each check. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** In place of the operation that is derived from the call. */
  readonly operation?: string;
  readonly subject?: string;
  /** Sends the names of the tools that the model may call. */
  readonly withToolNames?: boolean;
}

/** The call may ask a model, and this version of the integration does not know how to check it. */
export class NotCoveredError extends AiGovernanceError {}

export interface Asked {
  readonly model: unknown;
  readonly operation: string;
  readonly provider?: string;
  readonly baseUrl?: string;
  readonly isStreaming?: unknown;
  readonly maxTokens?: unknown;
  readonly messages?: unknown;
  readonly tools?: unknown;
}

export class Checker {
  constructor(
    private readonly client: Client,
    private readonly options: GovernanceOptions,
  ) {}

  async check(asked: Asked): Promise<Decision> {
    if (typeof asked.model !== "string" || asked.model === "") {
      throw new ConfigurationError("The call names no model, so it can't be checked.");
    }
    const request = {
      model: asked.model,
      operation: this.options.operation ?? asked.operation,
      metadata: { ...factsOf(asked), ...countsOf(asked, this.options.withToolNames === true), ...this.options.metadata },
      ...(this.options.subject === undefined ? {} : { subject: this.options.subject }),
    };
    return this.client.check(request as CheckRequest);
  }
}

/** By the names that OpenTelemetry has for them. What is not of its type is left out. */
function factsOf(asked: Asked): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  if (asked.provider) facts["gen_ai.provider.name"] = asked.provider;
  if (asked.baseUrl && URL.canParse(asked.baseUrl)) facts["server.address"] = new URL(asked.baseUrl).hostname;
  if (typeof asked.isStreaming === "boolean") facts["gen_ai.request.stream"] = asked.isStreaming;
  if (Number.isInteger(asked.maxTokens)) facts["gen_ai.request.max_tokens"] = asked.maxTokens;
  return facts;
}
