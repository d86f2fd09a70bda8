/** Vercel AI SDK 7: a middleware for models that checks each call first. */

import type { Client } from "../client.js";
import type { Decision } from "../decision.js";
import { BlockedError } from "../errors.js";
import { type Asked, Checker, type GovernanceOptions } from "./checker.js";

export type { GovernanceOptions } from "./checker.js";

/** A BlockedError that `AISDKError.isInstance` knows, too. */
export class CallBlockedError extends BlockedError {
  constructor(decision: Decision) {
    super(decision);
    Object.defineProperty(this, Symbol.for("vercel.ai.error"), { value: true });
  }
}

interface Model {
  readonly provider: string;
  readonly modelId: string;
}

/** `wrapLanguageModel({ model, middleware: governance(client) })`. A blocked call throws CallBlockedError. */
export function governance(client: Client, options: GovernanceOptions = {}) {
  const calls = new GovernedCalls(new Checker(client, options), "chat");
  return {
    specificationVersion: "v4" as const,
    wrapGenerate: <R>(given: { doGenerate: () => PromiseLike<R>; params: LanguageCall; model: Model }): Promise<R> =>
      calls.run(given.params.prompt, given.doGenerate, given.model, askedOf(given.params, false)),
    wrapStream: <R>(given: { doStream: () => PromiseLike<R>; params: LanguageCall; model: Model }): Promise<R> =>
      calls.run(given.params.prompt, given.doStream, given.model, askedOf(given.params, true)),
  };
}

interface LanguageCall {
  readonly prompt: object;
  readonly maxOutputTokens?: number | undefined;
  readonly tools?: object | undefined;
}

function askedOf({ prompt, tools, maxOutputTokens }: LanguageCall, isStreaming: boolean): Partial<Asked> {
  return { isStreaming, maxTokens: maxOutputTokens, messages: prompt, tools };
}

/** The same for `wrapEmbeddingModel`. */
export function embeddingGovernance(client: Client, options: GovernanceOptions = {}) {
  const calls = new GovernedCalls(new Checker(client, options), "embeddings");
  return {
    specificationVersion: "v4" as const,
    wrapEmbed: <R>(given: { doEmbed: () => PromiseLike<R>; params: { values: object }; model: Model }): Promise<R> =>
      calls.run(given.params.values, given.doEmbed, given.model),
  };
}

class GovernedCalls {
  /** Of calls that failed: the SDK tries again with the same prompt object, which is compared and never read. */
  readonly #failed = new WeakMap<object, Decision>();

  constructor(
    private readonly checker: Checker,
    private readonly operation: string,
  ) {}

  async run<R>(content: object, call: () => PromiseLike<R>, model: Model, asked: Partial<Asked> = {}): Promise<R> {
    const earlier = this.#failed.get(content);
    this.#failed.delete(content);
    const decision =
      earlier ??
      (await this.checker.check({
        model: model.modelId,
        operation: this.operation,
        provider: model.provider.split(".", 1)[0] ?? "",
        ...asked,
      }));
    if (!decision.allowed) throw new CallBlockedError(decision);
    try {
      return await call();
    } catch (error) {
      this.#failed.set(content, decision);
      throw error;
    }
  }
}
