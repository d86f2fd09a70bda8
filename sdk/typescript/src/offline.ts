/** Deciding without the service, and telling it afterwards. What can't be kept for it is not allowed. */

import type { CheckRequest } from "./api.js";
import type { Calls } from "./calls.js";
import { Decision } from "./decision.js";
import { ApiError } from "./errors.js";
import { newId } from "./ids.js";
import type { Entry, Spool } from "./spool.js";
import { Unreachable } from "./transport.js";
import { type Declared, decided, type OnUnavailable } from "./unavailable.js";
import { warn } from "./warning.js";

const MOST_AT_ONCE = 100;
const TAKEN = 200;

interface Reconciled {
  readonly results: readonly { readonly status: number }[];
}

export class Offline {
  /** Another process may have left some. */
  #mayHoldSome = true;
  #underWay: Promise<number> | undefined;
  #hasWarned = false;
  #isOver = false;

  constructor(
    private readonly calls: Calls,
    private readonly onUnavailable: OnUnavailable | undefined,
    private readonly declared: Declared,
    private readonly spool: Spool,
  ) {}

  get waiting(): number {
    return this.spool.size;
  }

  async decide(request: CheckRequest, sentUnder: string, position: number, why: string): Promise<Decision> {
    const id = newId();
    const declared = this.declared.of(request.operation);
    const { mode, allowed } = await decided(this.onUnavailable, declared, request);
    const isKept = await this.#keep({ ...request, id, allowed, mode, sent_under: sentUnder, position });
    const given = {
      allowed: allowed && isKept,
      reason: "service_unavailable",
      ...(declared === undefined ? {} : { on_unreachable: declared }),
    };
    return new Decision("sdk", id, given, undefined, why, isKept && this.spool.isOnDisk);
  }

  /** Hands what is kept to the service; how many it took. Throws ApiError or Unreachable; the rest stays. */
  reconcile(): Promise<number> {
    this.#underWay ??= this.#handOver().finally(() => {
      this.#underWay = undefined;
    });
    return this.#underWay;
  }

  /** After a check that succeeded. What the service refused as a whole is not sent again with every check. */
  reconcileSoon(): void {
    if (!this.#mayHoldSome) return;
    this.#mayHoldSome = false;
    this.reconcile().catch((error: unknown) => {
      if (error instanceof Unreachable || (error instanceof ApiError && error.isUnavailable)) this.#mayHoldSome = true;
      else warn(`decisions that were made without the service wait: ${nameOf(error)}`);
    });
  }

  /** Once the request that is under way is answered. What is left stays for the next client. */
  async close(): Promise<void> {
    this.#isOver = true;
    await this.#underWay?.catch(() => undefined);
  }

  async #keep(entry: Entry): Promise<boolean> {
    try {
      await this.spool.add(entry);
    } catch (error) {
      if (!this.#hasWarned) warn(`decisions can't be kept, so they are blocked: ${nameOf(error)}`);
      this.#hasWarned = true;
      return false;
    }
    this.#mayHoldSome = true;
    this.#hasWarned = false;
    return true;
  }

  async #handOver(): Promise<number> {
    let taken = 0;
    do {
      const decisions = await this.spool.oldest(MOST_AT_ONCE);
      if (decisions.length === 0) return taken;
      const { answer } = await this.calls.send({
        method: "POST",
        path: "/v1/decisions/reconcile",
        body: { decisions },
        idempotencyKey: newId(),
      });
      const { results } = answer as Partial<Reconciled>;
      if (results?.length !== decisions.length) throw new Unreachable("the answer is unusable");
      for (const [place, { id }] of decisions.entries()) await this.#settle(id, results[place]?.status);
      taken += results.filter(({ status }) => status === TAKEN).length;
    } while (!this.#isOver);
    return taken;
  }

  async #settle(id: string, status: number | undefined): Promise<void> {
    if (status === TAKEN) return this.spool.remove(id);
    warn(`the service refused decision ${id}: status ${status}`);
    await this.spool.setAside(id);
  }
}

function nameOf(error: unknown): string {
  if (error instanceof ApiError) return error.code;
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
