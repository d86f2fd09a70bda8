/** Regular expressions as the service applies them: as a whole, at the start, anywhere, or everywhere. */

const wholes = new WeakMap<RegExp, RegExp>();
const starts = new WeakMap<RegExp, RegExp>();
const globals = new WeakMap<RegExp, RegExp>();

export function matchesWhole(pattern: RegExp, text: string): boolean {
  return wholeMatch(pattern, text) !== null;
}

export function wholeMatch(pattern: RegExp, text: string): RegExpExecArray | null {
  return made(wholes, pattern, () => new RegExp(`^(?:${pattern.source})$`, pattern.flags)).exec(text);
}

export function startMatch(pattern: RegExp, text: string): RegExpExecArray | null {
  return made(starts, pattern, () => new RegExp(`^(?:${pattern.source})`, pattern.flags)).exec(text);
}

export function allMatches(pattern: RegExp, text: string): RegExpMatchArray[] {
  return [...text.matchAll(everywhere(pattern))];
}

export function replaceAll(pattern: RegExp, text: string, by: string): string {
  return text.replace(everywhere(pattern), () => by);
}

function everywhere(pattern: RegExp): RegExp {
  return made(globals, pattern, () => new RegExp(pattern.source, `${pattern.flags}g`));
}

function made(kept: WeakMap<RegExp, RegExp>, pattern: RegExp, make: () => RegExp): RegExp {
  const known = kept.get(pattern);
  if (known !== undefined) return known;
  const fresh = make();
  kept.set(pattern, fresh);
  return fresh;
}
