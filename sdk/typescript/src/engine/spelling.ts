/** What somebody may have meant by a name that is not known: the most similar one, by Ratcliff and Obershelp. */

import { compareTexts } from "./text.js";

const LONGEST_GUESS = 64;
const CUTOFF = 0.6;

export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = [...name];
  if (wanted.length > LONGEST_GUESS) return undefined;
  let best: { ratio: number; name: string } | undefined;
  for (const candidate of known) {
    const ratio = similarity([...candidate], wanted);
    if (ratio < CUTOFF) continue;
    const isBetter = best === undefined || ratio > best.ratio;
    if (isBetter || (ratio === best?.ratio && compareTexts(candidate, best.name) > 0)) best = { ratio, name: candidate };
  }
  return best?.name;
}

function similarity(some: readonly string[], others: readonly string[]): number {
  const length = some.length + others.length;
  if (length === 0) return 1;
  if ((2 * Math.min(some.length, others.length)) / length < CUTOFF) return 0;
  return (2 * matching(some, others, [0, some.length, 0, others.length])) / length;
}

type Bounds = readonly [number, number, number, number];

/** How many characters are in the longest common block, and in those before and after it. */
function matching(some: readonly string[], others: readonly string[], bounds: Bounds): number {
  const [someFrom, someTo, othersFrom, othersTo] = bounds;
  let [atSome, atOthers, size] = [someFrom, othersFrom, 0];
  let before = new Map<number, number>();
  for (let left = someFrom; left < someTo; left++) {
    const here = new Map<number, number>();
    for (let right = othersFrom; right < othersTo; right++) {
      if (some[left] !== others[right]) continue;
      const run = (before.get(right - 1) ?? 0) + 1;
      here.set(right, run);
      if (run > size) [atSome, atOthers, size] = [left - run + 1, right - run + 1, run];
    }
    before = here;
  }
  if (size === 0) return 0;
  return (
    size +
    matching(some, others, [someFrom, atSome, othersFrom, atOthers]) +
    matching(some, others, [atSome + size, someTo, atOthers + size, othersTo])
  );
}
