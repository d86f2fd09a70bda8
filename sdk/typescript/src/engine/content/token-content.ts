/** Content that dresses as a token: personal numbers, encoded text, sentences without spaces, addresses that carry data. */

import { matchesWhole, replaceAll, startMatch } from "../matching.js";
import { AT_HINTS, credentials, ROOMS, SAYINGS, tokenContent as patterns } from "../tables.js";
import { encoded } from "./encoded-text.js";
import {
  hasCard,
  hasIban,
  hasItalianNumber,
  hasNationalNumber,
  hasPhone,
  hasSocialSecurityNumber,
  isBarePhone,
} from "./personal-numbers.js";
import type { Room } from "./rooms.js";

type Kind = keyof typeof SAYINGS;

const MOST_SEPARATORS = 24;
const FEWEST_DIGITS = 6;
const LONGEST_PATH = 48;
const MOST_KNOWN = 8192;
const LONGEST_KNOWN = 64;
const honest = new Map<Room, Set<string>>();

/** What to send instead of this token, or undefined where it is honest. The token is not repeated. */
export function problemOf(token: string, room: Room): string | undefined {
  const known = honest.get(room) ?? new Set();
  if (known.has(token)) return undefined;
  const kind = kindOf(token, room);
  if (kind !== undefined) return SAYINGS[kind];
  if (room.isPseudonym || token.length > LONGEST_KNOWN) return undefined; // a pseudonym is forgotten at once
  if (known.size >= MOST_KNOWN) known.clear();
  honest.set(room, known.add(token));
  return undefined;
}

function kindOf(token: string, room: Room): Kind | undefined {
  if (room.isHost && !isHost(token)) return "host";
  if (credentials.MARKED.test(token)) return "credential";
  if (!room.isOpaque && matchesWhole(credentials.AWS_SECRET, token)) return "credential";
  if ((token.match(/[._:/+-]/g)?.length ?? 0) > MOST_SEPARATORS) return "sentence";
  return personal(token, room) ?? address(token, room) ?? encoded(token, room);
}

function personal(token: string, room: Room): Kind | undefined {
  if ((token.match(/\d/g)?.length ?? 0) < FEWEST_DIGITS) return undefined;
  const rest = replaceAll(patterns.HASH, replaceAll(patterns.UUID, token, "uuid"), "hash");
  if (hasIban(rest)) return "iban";
  if (!room.isVersion && hasItalianNumber(rest)) return "national";
  return patterns.CLUSTER.test(rest) ? ofDigits(rest, room) : undefined;
}

function ofDigits(token: string, room: Room): Kind | undefined {
  if (hasCard(token, room.isOpaque)) return "card";
  if (!room.isVersion && hasSocialSecurityNumber(token)) return "ssn";
  if (hasPhone(token, room.isVersion) || (room.isWord && isBarePhone(token))) return "phone";
  return !room.isVersion && hasNationalNumber(token) ? "national" : undefined;
}

function address(token: string, room: Room): Kind | undefined {
  const lowered = token.toLowerCase();
  if (!room.isHost && AT_HINTS.some((hint) => lowered.includes(hint)) && patterns.AT.test(lowered)) return "email";
  const start = startMatch(patterns.URL, token);
  if (start === null) return undefined;
  const path = token.slice(start[0].length);
  return path.length > LONGEST_PATH || encoded(path, ROOMS.CODES) ? "url" : undefined;
}

function isHost(token: string): boolean {
  if (matchesWhole(patterns.IPV6, token)) return true;
  const colon = token.indexOf(":");
  const host = colon === -1 ? token : token.slice(0, colon);
  if (colon !== -1 && !matchesWhole(patterns.PORT, token.slice(colon + 1))) return false;
  return host.replace(/\.$/, "").split(".").every((label) => matchesWhole(patterns.LABEL, label));
}
