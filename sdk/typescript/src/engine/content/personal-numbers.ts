/**
 * Numbers that name a person or an account: cards, IBANs, national numbers, phones. A number is only looked for where it
 * could begin, and dates, versions and account numbers of clouds are left alone.
 */

import { allMatches, matchesWhole, replaceAll, startMatch } from "../matching.js";
import { IBANS, personalNumbers as patterns } from "../tables.js";

const RARE_LENGTHS = new Set([17, 18]);
const FORMS = new Map<string, RegExp>(Object.entries(IBANS));
const SPANISH_DIGITS = 8;
const SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE";
const FINNISH_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY";
const CHINESE_CHECKS = "10X98765432";
const CHINESE_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const SHORTEST_PHONE = 9;
const LONGEST_PHONE = 15;

/** Whether a run of digits is a payment card's number. */
export function isCard(digits: string): boolean {
  return matchesWhole(patterns.ISSUERS, digits) && new Set(digits).size > 1 && isLuhn(digits);
}

/** Among opaque ids, numbers of lengths that hardly any card has are left alone. */
export function hasCard(value: string, isOpaque: boolean): boolean {
  const looked = value.startsWith("projects/") ? replaceAll(patterns.CLOUD_NUMBER, value, "") : value;
  const runs = allMatches(patterns.DIGIT_GROUPS, looked).map((match) => joined(match[0]));
  const glued = allMatches(patterns.GLUED_DIGITS, looked).map((match) => match[0]);
  return [...runs, ...glued].some((digits) => !(isOpaque && RARE_LENGTHS.has(digits.length)) && isCard(digits));
}

export function hasIban(value: string): boolean {
  return allMatches(patterns.IBAN_START, value).some((match) => {
    const rest = joined(match[0]).toUpperCase();
    const form = FORMS.get(rest.slice(0, 2));
    const account = form && startMatch(form, rest)?.[0];
    return account !== undefined && remainderOf97(account) === 1;
  });
}

function remainderOf97(iban: string): number {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    for (const digit of String(Number.parseInt(character, 36))) remainder = (remainder * 10 + Number(digit)) % 97;
  }
  return remainder;
}

export function hasSocialSecurityNumber(value: string): boolean {
  return patterns.SSN.test(value) || patterns.NAMED_NUMBER.test(value);
}

/** Alone, since its digits stand apart. */
export function hasItalianNumber(value: string): boolean {
  return patterns.ITALIAN.test(value);
}

/** Of those whose check digits leave little room for chance. */
export function hasNationalNumber(value: string): boolean {
  if (patterns.BRITISH.test(value)) return true;
  if (allMatches(patterns.CANADIAN, value).some((match) => isLuhn(joined(match[0])))) return true;
  if (allMatches(patterns.SWEDISH, value).some((match) => isLuhn(`${match[1]}${match[2]}`.slice(-10)))) return true;
  return hasLetteredNumber(value) || allMatches(patterns.DIGIT_GROUPS, value).some((match) => isNumericNational(match[0]));
}

function hasLetteredNumber(value: string): boolean {
  return (
    allMatches(patterns.SPANISH, value).some((match) => {
      const number = `${match[1] ? "XYZ".indexOf(match[1]) : ""}${match[2]}`;
      return number.length === SPANISH_DIGITS && SPANISH_LETTERS[Number(number) % 23] === match[3]?.toUpperCase();
    }) ||
    allMatches(patterns.FINNISH, value).some((match) => FINNISH_LETTERS[Number(`${match[1]}${match[2]}`) % 31] === match[3]) ||
    allMatches(patterns.CHINESE, value).some(
      ([number]) => CHINESE_CHECKS[weighted(number.slice(0, 17), CHINESE_WEIGHTS) % 11] === number[17]?.toUpperCase(),
    )
  );
}

function isNumericNational(found: string): boolean {
  if (startMatch(patterns.DATE, found)) return false;
  const number = joined(found);
  return (BY_LENGTH.get(number.length) ?? []).some((isNumber) => isNumber(number));
}

function joined(groups: string): string {
  return groups.replace(/[._:/+-]/g, "");
}

function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place++) {
    const digit = Number(digits[digits.length - 1 - place]);
    const doubled = place % 2 === 0 ? digit : 2 * digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

function weighted(digits: string, weights: readonly number[]): number {
  return weights.reduce((sum, weight, place) => sum + weight * Number(digits[place] ?? 0), 0);
}

function isWithin(digits: string, from: number, to: number, modulo = Number.POSITIVE_INFINITY): boolean {
  const number = modulo === Number.POSITIVE_INFINITY ? Number(digits) : Number(digits) % modulo;
  return number >= from && number <= to;
}

function isPesel(number: string): boolean {
  const hasDate = isWithin(number.slice(2, 4), 1, 12, 20) && isWithin(number.slice(4, 6), 1, 31);
  return hasDate && weighted(number, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 === 0;
}

function isNorwegian(number: string): boolean {
  const hasDate = isWithin(number.slice(0, 2), 1, 31) && isWithin(number.slice(2, 4), 1, 12);
  const isFirst = weighted(number, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 === 0;
  return hasDate && isFirst && weighted(number, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 === 0;
}

function isBelgian(number: string): boolean {
  const hasDate = isWithin(number.slice(2, 4), 1, 12) && isWithin(number.slice(4, 6), 1, 31);
  const check = Number(number.slice(9));
  const born = number.slice(0, 9);
  return hasDate && [born, `2${born}`].some((digits) => check === 97 - (Number(digits) % 97));
}

function isCpf(number: string): boolean {
  const first = ((weighted(number, [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  const second = ((weighted(number, [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10) % 11) % 10;
  return number.slice(9) === `${first}${second}` && new Set(number).size > 1;
}

function isGermanTaxNumber(number: string): boolean {
  const digits = [...number.slice(0, 10)];
  const repeats = [...new Set(digits)].map((digit) => digits.filter((one) => one === digit).length).sort((a, b) => b - a);
  if (number[0] === "0" || (repeats[0] !== 2 && repeats[0] !== 3) || repeats[1] !== 1) return false;
  let product = 10;
  for (const digit of digits) product = (((Number(digit) + product) % 10 || 10) * 2) % 11;
  return (11 - product) % 10 === Number(number[10]);
}

function isSwiss(number: string): boolean {
  return number.startsWith("756") && weighted(number, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0;
}

function isFrench(number: string): boolean {
  const hasMonth = isWithin(number.slice(3, 5), 1, 12);
  return /^[12]/.test(number) && hasMonth && Number(number.slice(13)) === 97 - (Number(number.slice(0, 13)) % 97);
}

const BY_LENGTH = new Map<number, readonly ((number: string) => boolean)[]>([
  [11, [isPesel, isNorwegian, isBelgian, isCpf, isGermanTaxNumber]],
  [13, [isSwiss]],
  [15, [isFrench]],
]);

/** As North America, India and those who dial a zero first write a number without separators. */
export function isBarePhone(value: string): boolean {
  return matchesWhole(patterns.TEN_DIGITS, value) && !startMatch(patterns.DATE, value);
}

export function hasPhone(value: string, isVersion: boolean): boolean {
  if (patterns.NAMED_PHONE.test(value)) return true;
  if (isVersion) return false;
  if (allMatches(patterns.PLUS, value).some((match) => !startMatch(patterns.DATE, match[1] ?? ""))) return true;
  if (patterns.BARE.test(value) || patterns.NORTH_AMERICAN.test(value)) return true;
  return [patterns.TRUNK, patterns.ABROAD].some((form) => allMatches(form, value).some((match) => isGroupedPhone(match[0])));
}

function isGroupedPhone(groups: string): boolean {
  const digits = joined(groups).length;
  const isLong = digits >= SHORTEST_PHONE && digits <= LONGEST_PHONE;
  return isLong && !patterns.DATE.test(groups) && !matchesWhole(patterns.IP_ADDRESS, groups);
}
