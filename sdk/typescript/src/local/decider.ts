/** Local decisions: by the newest verified policies, on disk before they are told, and handed over afterwards. */

import type { CheckRequest, Unreachable as OnUnreachable } from "../api.js";
import type { Calls } from "../calls.js";
import type { Configuration } from "../configuration.js";
import { Decision } from "../decision.js";
import type { Outcome } from "../engine/evaluator.js";
import { Reader } from "../engine/reader.js";
import { ForTheService, Refusal } from "../engine/refusal.js";
import { UnavailableError } from "../errors.js";
import { fingerprintOf, folderOf } from "../folder.js";
import { newId } from "../ids.js";
import { errorOf } from "../refusals.js";
import { builtIn } from "../runtime.js";
import { Unreachable } from "../transport.js";
import { warn } from "../warning.js";
import { Current } from "./current.js";
import type { Held } from "./held.js";
import { type Entry, Journal } from "./journal.js";
import type { LocalDecisions } from "./local-decisions.js";

const HAND_OVER_EVERY_MS = 2000;
const RECONCILE = "/v1/decisions/reconcile";
const OK = 200;

/** What was decided, and is not yet on disk. */
export interface Judged {
  readonly text: string;
  readonly outcome: Outcome;
  readonly held: Held;
}

interface Reconciled {
  readonly results: readonly { readonly status: number; readonly agrees?: boolean; readonly problem?: { readonly code: string } }[];
}

export class Decider implements LocalDecisions {
  readonly #calls: Calls;
  readonly #current: Current;
  readonly #journal: Journal;
  readonly #reader = new Reader();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** `whenHandedOver` is called whenever the service took some. Throws ConfigurationError. */
  constructor(
    configuration: Configuration,
    calls: Calls,
    private readonly whenHandedOver: () => void,
  ) {
    const fingerprint = fingerprintOf(configuration.apiKey);
    const folder = folderOf(configuration);
    const { join } = builtIn("node:path");
    this.#calls = calls;
    this.#current = new Current(calls, configuration.bundleKeys, join(folder, "policies"), fingerprint);
    this.#journal = new Journal(join(folder, "local-node"));
  }

  get whyNot(): string | undefined {
    return this.#current.whyNot;
  }

  async waitUntilReady(timeoutMs: number): Promise<boolean> {
    this.#start();
    await this.#current.waitForSome(timeoutMs);
    return this.whyNot === undefined;
  }

  async handOver(): Promise<void> {
    try {
      await this.#journal.handOver((entries) => this.#send(entries));
    } catch (error) {
      if (error instanceof Unreachable) throw new UnavailableError(`The service could not be reached: ${error.why}.`);
      throw error;
    }
  }

  /** What the policies that are held declare for it, also once they have expired. */
  declared(operation: string): OnUnreachable | undefined {
    return this.#current.held?.policy?.onUnreachable(operation);
  }

  /** Undefined where the service has to be asked. Throws ApiError for what it would refuse. */
  judge(request: CheckRequest): Judged | undefined {
    this.#start();
    const held = this.#current.held;
    const policy = held?.policy;
    if (held === undefined || policy === undefined || held.faultOfTime() !== undefined) return undefined;
    const text: string | undefined = JSON.stringify(request);
    if (text === undefined) return undefined;
    try {
      const question = this.#reader.read(text, policy.facts);
      if (question.subject !== undefined && policy.hasShare) return undefined; // its share depends on a secret of the service
      return { text, outcome: policy.evaluate(question.facts), held };
    } catch (error) {
      if (error instanceof ForTheService) return undefined;
      if (!(error instanceof Refusal)) throw error;
      const isNew = error.errors.length > 0 && error.errors.every((fault) => fault.code === "unknown_fact");
      if (isNew) return undefined; // it may have been declared a moment ago
      throw errorOf(error.status, { code: error.code, detail: error.detail, errors: error.errors });
    }
  }

  /** The decisions, once they are on disk; undefined where they can't be kept, and so do not count. */
  tell(judged: readonly Judged[]): Decision[] | undefined {
    const ids = judged.map(() => newId());
    try {
      this.#journal.add(judged.map((one, place) => lineOf(one, ids[place] ?? newId())).join(""));
    } catch {
      return undefined;
    }
    return judged.map((one, place) => decisionOf(one, ids[place] ?? ""));
  }

  /** What is left stays on disk where it can't be handed over now. */
  async close(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#current.stop();
    await this.handOver().catch(() => undefined);
  }

  #start(): void {
    if (this.#timer !== undefined || this.#isOver) return;
    this.#timer = setInterval(() => void this.handOver().catch(() => undefined), HAND_OVER_EVERY_MS).unref();
    this.#current.start();
  }

  async #send(entries: Entry[]): Promise<Entry[]> {
    const { answer } = await this.#calls.send({ method: "POST", path: RECONCILE, body: { decisions: entries } });
    const { results } = answer as Reconciled;
    this.whenHandedOver();
    return entries.flatMap((entry, place) => {
      const result = results[place];
      if (result?.agrees === false) warn(`the service decides differently: local decision ${entry.id}`);
      if (result?.status === OK) return [];
      warn(`the service refused local decision ${entry.id}: status ${result?.status}`);
      return [{ ...entry, problem: result?.problem?.code }];
    });
  }
}

function lineOf({ text, outcome, held }: Judged, id: string): string {
  const told = `"id":"${id}","allowed":${outcome.allowed},"mode":"local","policy_version":${held.bundle.revision}`;
  return `${text.slice(0, -1)},${told}}\n`;
}

function decisionOf({ outcome, held }: Judged, id: string): Decision {
  return new Decision("sdk", id, {
    allowed: outcome.allowed,
    reason: outcome.reason,
    reasons: outcome.reasons,
    risk_score: outcome.riskScore,
    policy_version: held.bundle.revision,
    environment: held.bundle.environment as "live" | "test",
    ...(held.policy === undefined ? {} : { max_risk_score: held.policy.document.max_risk_score }),
  });
}

