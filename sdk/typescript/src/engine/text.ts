/** Text as the service sees it: by code points, and folded as Unicode folds case. */

const SHOWABLE = /^[A-Za-z0-9_.-]{1,64}$/;
const ASCII = /^[\0-\x7f]*$/;

export function lengthOf(text: string): number {
  return ASCII.test(text) ? text.length : [...text].length;
}

export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** Less than 0 where `left` comes before `right` by code points, which UTF-16 orders otherwise. */
export function compareTexts(left: string, right: string): number {
  if (ASCII.test(left) || ASCII.test(right)) return left < right ? -1 : Number(left > right);
  const [some, others] = [[...left], [...right]];
  for (let at = 0; at < Math.min(some.length, others.length); at++) {
    const difference = (some[at]?.codePointAt(0) ?? 0) - (others[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return some.length - others.length;
}

/** Without regard to case. A dotless i stays one, and a capital sharp s is two letters. */
export function casefold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const folded = [...text].map((character) => (character === "ı" ? character : character.toUpperCase().toLowerCase()));
  return folded.join("").replaceAll("ß", "ss");
}

/** A field's name as an error may repeat it: not if the name could itself be content. */
export function showName(name: string): string {
  return SHOWABLE.test(name) ? name : `<name of ${lengthOf(name)} characters>`;
}

export function joinPath(path: string, name: string): string {
  return path ? `${path}.${showName(name)}` : showName(name);
}
