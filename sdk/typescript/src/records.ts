/** What a client reads beside checks: the decision log, API keys and policies. */

import type { DecisionPage, DecisionView, DraftList, DraftView, KeyPage, KeyProbe, KeyView, PolicySet } from "./api.js";
import type { Calls } from "./calls.js";
import { UnavailableError } from "./errors.js";

const EXPORT_TIMEOUT_MS = 30_000;

type Filters = Readonly<Record<string, string | number | boolean>>;

export class Records {
  constructor(protected readonly calls: Calls) {}

  /** One decision of the log. Throws NotFoundError. */
  decision(decisionId: string): Promise<DecisionView> {
    return this.#get(`/v1/decisions/${encodeURIComponent(decisionId)}`);
  }

  /** The decision log, newest first. Filters are those of the API. */
  async *decisions(filters: Filters = {}): AsyncGenerator<DecisionView> {
    for await (const page of this.#pages<DecisionPage>("/v1/decisions", filters)) yield* page.decisions;
  }

  /** All that fit, oldest first, as they arrive. Throws UnavailableError where the export is cut short. Needs Node.js. */
  async *exportDecisions(filters: Filters = {}): AsyncGenerator<DecisionView> {
    for await (const line of this.calls.lines(`/v1/decisions/export?${queryOf(filters)}`, EXPORT_TIMEOUT_MS)) {
      const record = JSON.parse(line) as DecisionView | { readonly complete: true };
      if ("complete" in record) return;
      yield record;
    }
    throw new UnavailableError("The export was cut short: its last line is missing.");
  }

  /** API keys, newest first. Filters are those of the API. */
  async *keys(filters: Filters = {}): AsyncGenerator<KeyView> {
    for await (const page of this.#pages<KeyPage>("/v1/keys", filters)) yield* page.keys;
  }

  /** All policies, and the version in force. */
  policies(): Promise<PolicySet> {
    return this.#get("/v1/policies");
  }

  /** The open drafts of policies, the last changed first. */
  async policyDrafts(): Promise<readonly DraftView[]> {
    return (await this.#get<DraftList>("/v1/policy/drafts")).drafts;
  }

  /** What this client's API key is good for just now. Counts as one request. */
  async inspectKey(): Promise<KeyProbe> {
    return (await this.calls.fetch({ method: "POST", path: "/api/evaluate" })) as KeyProbe;
  }

  async *#pages<Page extends { readonly next_cursor: string | null }>(path: string, filters: Filters): AsyncGenerator<Page> {
    const query = queryOf(filters);
    for (;;) {
      const page = await this.#get<Page>(`${path}?${query}`);
      yield page;
      if (!page.next_cursor) return;
      query.set("cursor", page.next_cursor);
    }
  }

  async #get<Answer>(path: string): Promise<Answer> {
    return (await this.calls.fetch({ method: "GET", path })) as Answer;
  }
}

function queryOf(filters: Filters): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) query.set(name, String(value));
  return query;
}
