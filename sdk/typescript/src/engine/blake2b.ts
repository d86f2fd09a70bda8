/** BLAKE2b (RFC 7693) without a key, of short texts: whose share a request is in depends on it. */

const MASK = (1n << 64n) - 1n;
const START = [
  ...[0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n],
  ...[0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n],
] as const;
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
] as const;
const ROUNDS = 12;
const BLOCK_BYTES = 128;
const COLUMNS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** The first `bytes` of a digest of that length, as a number that begins with its first byte. At most 8. */
export function blake2b(text: string, bytes: number): bigint {
  const message = new TextEncoder().encode(text);
  const state = START.map((word, place) => (place === 0 ? word ^ 0x01010000n ^ BigInt(bytes) : word));
  const blocks = Math.max(1, Math.ceil(message.length / BLOCK_BYTES));
  for (let block = 0; block < blocks; block++) {
    const part = new Uint8Array(BLOCK_BYTES);
    part.set(message.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
    const isLast = block === blocks - 1;
    compress(state, part, isLast ? message.length : (block + 1) * BLOCK_BYTES, isLast);
  }
  return reversed(at(state, 0)) >> BigInt(64 - 8 * bytes);
}

function compress(state: bigint[], block: Uint8Array, counted: number, isLast: boolean): void {
  const view = new DataView(block.buffer);
  const words = Array.from({ length: 16 }, (_, place) => view.getBigUint64(8 * place, true));
  const work: bigint[] = [...state, ...START];
  work[12] = at(work, 12) ^ BigInt(counted);
  if (isLast) work[14] = at(work, 14) ^ MASK;
  for (let round = 0; round < ROUNDS; round++) {
    const order = SIGMA[round % SIGMA.length] as readonly number[];
    for (const [pair, column] of COLUMNS.entries()) {
      mix(work, column, at(words, order[2 * pair] as number), at(words, order[2 * pair + 1] as number));
    }
  }
  for (let place = 0; place < 8; place++) state[place] = at(state, place) ^ at(work, place) ^ at(work, place + 8);
}

function mix(work: bigint[], [a, b, c, d]: readonly [number, number, number, number], x: bigint, y: bigint): void {
  work[a] = (at(work, a) + at(work, b) + x) & MASK;
  work[d] = rotated(at(work, d) ^ at(work, a), 32n);
  work[c] = (at(work, c) + at(work, d)) & MASK;
  work[b] = rotated(at(work, b) ^ at(work, c), 24n);
  work[a] = (at(work, a) + at(work, b) + y) & MASK;
  work[d] = rotated(at(work, d) ^ at(work, a), 16n);
  work[c] = (at(work, c) + at(work, d)) & MASK;
  work[b] = rotated(at(work, b) ^ at(work, c), 63n);
}

function at(words: readonly bigint[], place: number): bigint {
  return words[place] as bigint;
}

function rotated(word: bigint, by: bigint): bigint {
  return ((word >> by) | (word << (64n - by))) & MASK;
}

function reversed(word: bigint): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, word, true);
  return view.getBigUint64(0);
}
