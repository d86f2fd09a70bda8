/** Text that is encoded or joined until it fits into a token: base64, base32, hexadecimal, words without spaces. */

import { allMatches, matchesWhole, replaceAll } from "../matching.js";
import { encodedText, SENTENCE_FLAGS, SENTENCE_HASH_LENGTHS, SENTENCE_IN_NAMES, SENTENCE_WEIGHTS } from "../tables.js";
import type { Room } from "./rooms.js";

const SHORTEST = 12;
const SHORTEST_BASE32 = 16;
const SHORTEST_HEX = 16;
const LONGEST_WORD = 40;
/** Characters of one case in a row: words have more on average, encoded data has fewer. */
const MOST_OF_A_WORD = 2.6;
const MOST_LONE_LETTERS = 8;
const SHORTEST_MEAN = 3;
const FEWEST_WORDS = 3;
const FEW_WORDS = 4;
const MODEL_FACTOR = 4;
const FEWEST_LETTERS = 0.8;
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const PADDINGS_OF_BASE32 = new Set([0, 1, 3, 4, 6]);
const HASH_LENGTHS = new Set(SENTENCE_HASH_LENGTHS);
const FLAGS = new Set(SENTENCE_FLAGS);
const IN_NAMES = new Set(SENTENCE_IN_NAMES);
const WEIGHTS = new Map<string, number>(Object.entries(SENTENCE_WEIGHTS));
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encoded(token: string, room: Room): "blob" | "sentence" | undefined {
  if (allMatches(encodedText.UUID, token).some((match) => hasText(match[0].replaceAll("-", ""), room))) return "blob";
  const plain = replaceAll(encodedText.UUID, token, "");
  const pieces = plain.split(encodedText.SPLIT).filter((piece) => piece !== "");
  if (pieces.some((piece) => piece.length >= SHORTEST && isBlob(piece, room))) return "blob";
  if (plain.length >= SHORTEST && hasHiddenText(plain, room)) return "blob";
  if (!room.isPseudonym && plain.length >= SHORTEST && isSentence(pieces, room)) return "sentence";
  return undefined;
}

function isBlob(piece: string, room: Room): boolean {
  if (hasText(piece, room)) return true;
  if (room.isPseudonym) return false;
  if (/^(?:[a-z]+|[A-Z]+|[A-Z][a-z]*)$/.test(piece)) return piece.length > LONGEST_WORD;
  if (matchesWhole(encodedText.HEX, piece) && HASH_LENGTHS.has(piece.length)) return !(room.isOpaque || room.isModel);
  if (/^\d+$/.test(piece)) return piece.length >= Math.max(room.run, 24);
  const segments = allMatches(encodedText.SEGMENTS, piece).length;
  return piece.length >= room.run && (piece.length / segments < MOST_OF_A_WORD || piece.length > LONGEST_WORD);
}

/** Base64 whose own characters are separators elsewhere. */
function hasHiddenText(token: string, room: Room): boolean {
  if (!/[+/_-]/.test(token)) return false;
  return token.split(/[.:@]+/).some((part) => part.length >= SHORTEST && hasText(part, room));
}

function hasText(piece: string, room: Room): boolean {
  for (const text of decoded(piece)) {
    if (!room.isOpaque || /[ @{]/.test(text)) return true; // an id may well be made of a kind and a number
  }
  return false;
}

/** What the piece says as hex, base64 or base32, where it says anything. */
function* decoded(piece: string): Generator<string> {
  const [hasLower, hasUpper] = [/[a-z]/.test(piece), /[A-Z]/.test(piece)];
  const isHex = piece.length % 2 === 0 && piece.length >= SHORTEST_HEX && !/^\d+$/.test(piece);
  if (isHex && matchesWhole(encodedText.HEX, piece)) yield* readable(Buffer.from(piece, "hex"));
  if (hasLower === hasUpper && piece.length % 4 !== 1) {
    yield* readable(Buffer.from(piece.replaceAll("-", "+").replaceAll("_", "/"), "base64"));
  }
  if (hasUpper && !hasLower && piece.length >= SHORTEST_BASE32) yield* readable(fromBase32(piece));
}

function fromBase32(piece: string): Uint8Array {
  if (!PADDINGS_OF_BASE32.has((8 - (piece.length % 8)) % 8)) return new Uint8Array();
  const bytes: number[] = [];
  let [bits, value] = [0, 0];
  for (const character of piece) {
    const digit = BASE32.indexOf(character);
    if (digit === -1) return new Uint8Array();
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >> bits) & 0xff);
    }
  }
  return Uint8Array.from(bytes);
}

function* readable(raw: Uint8Array): Generator<string> {
  let text: string;
  try {
    text = utf8.decode(raw);
  } catch {
    return;
  }
  if (text === "" || /[\p{C}\p{Z}]/u.test(text.replaceAll(" ", ""))) return;
  const length = [...text].length;
  const letters = text.match(/[\p{L}\p{N} .,@_-]/gu)?.length ?? 0;
  if (letters >= FEWEST_LETTERS * length) yield text;
}

function wordsOf(piece: string): string[] {
  const words = /^[A-Za-z]+$/.test(piece) ? allMatches(encodedText.WORDS, piece).map((match) => match[0]) : [];
  return words.length > 0 && words.length * SHORTEST_MEAN <= piece.length ? words : [piece];
}

function isSentence(pieces: readonly string[], room: Room): boolean {
  const isSplit = !room.isModel || pieces.length === 1; // TheBloke is a name
  const words = pieces.flatMap((piece) => (isSplit ? wordsOf(piece) : [piece])).map((word) => word.toLowerCase());
  if (words.length < FEWEST_WORDS) return false;
  if (words.filter((word) => /^[a-z]$/.test(word)).length >= MOST_LONE_LETTERS) return true;
  const isShort = words.length <= FEW_WORDS;
  const telling = isShort && FLAGS.has(words[0] ?? "") ? words.slice(1) : words;
  let weight = room.isHost ? 0 : weightOf(telling);
  if (room.isModel) weight = MODEL_FACTOR * weightOf(words.filter((word) => !IN_NAMES.has(word)));
  return words.length + weight >= room.words - Number(isShort);
}

function weightOf(words: readonly string[]): number {
  return words.reduce((sum, word) => sum + (WEIGHTS.get(word) ?? 0), 0);
}
