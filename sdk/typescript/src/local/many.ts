/** A batch, each check of it decided here where it can be, and the others by the service in one request. */

import type { CheckRequest } from "../api.js";
import type { BatchResult } from "../client.js";
import { ApiError } from "../errors.js";
import type { Decider, Judged } from "./decider.js";

type Ask = (checks: readonly CheckRequest[]) => Promise<BatchResult[]>;

/** The service is asked first: where it refuses the whole, nothing is on record. */
export async function decideMany(local: Decider, checks: readonly CheckRequest[], ask: Ask): Promise<BatchResult[]> {
  const results = new Map<number, BatchResult>();
  const judged = new Map<number, Judged>();
  for (const [place, check] of checks.entries()) {
    const found = judgedOrRefused(local, check);
    if (found instanceof ApiError) results.set(place, { error: found });
    else if (found !== undefined) judged.set(place, found);
  }
  const askAt = async (places: readonly number[]): Promise<void> => {
    if (places.length === 0) return;
    const answers = await ask(places.map((place) => checks[place] as CheckRequest));
    for (const [at, answer] of answers.entries()) results.set(places[at] as number, answer);
  };
  await askAt([...checks.keys()].filter((place) => !results.has(place) && !judged.has(place)));
  const told = judged.size > 0 ? local.tell([...judged.values()]) : [];
  if (told === undefined) await askAt([...judged.keys()]);
  else for (const [at, place] of [...judged.keys()].entries()) results.set(place, { decision: told[at] as never });
  return checks.map((_, place) => results.get(place) as BatchResult);
}

function judgedOrRefused(local: Decider, check: CheckRequest): Judged | ApiError | undefined {
  try {
    return local.judge(check);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
