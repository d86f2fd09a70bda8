/**
 * Local decisions on their way to the service: lines of a file, handed over and then deleted.
 *
 * A line is with the operating system before its decision is told, so it outlives the program; a machine that loses power may
 * lose the last seconds. Each client writes files of its own. What another left behind is renamed before it is read, and whoever
 * writes looks for that afterwards: a line is in a file that was read, or it is written again. Handing a line over twice is
 * harmless.
 */

import { newId } from "../ids.js";
import { builtIn } from "../runtime.js";

const MOST_BYTES = 64 * 1024 * 1024;
const MOST_AT_ONCE = 100;
/** A file that nobody wrote to for so long is taken from whoever made it. */
const LEFT_AFTER_MS = 30_000;
const MOST_TRIES = 3;
const SUFFIX = ".ndjson";

export type Entry = { readonly id: string } & Readonly<Record<string, unknown>>;

/** Sends up to a hundred, and gives back those that the service refuses. */
export type HandOver = (entries: Entry[]) => Promise<Entry[]>;

interface Open {
  readonly path: string;
  readonly file: number;
  readonly inode: number;
}

export class Journal {
  readonly #fs = builtIn("node:fs");
  readonly #path = builtIn("node:path");
  readonly #folder: string;
  readonly #complete = new Set<string>();
  #open: Open | undefined;
  #waitingBytes = 0;
  #handingOver: Promise<void> = Promise.resolve();

  constructor(
    folder: string,
    private readonly mostBytes = MOST_BYTES,
  ) {
    this.#folder = folder;
  }

  /** Whole lines. Throws what the file system does; then their decisions must not count. */
  add(lines: string): void {
    const bytes = Buffer.from(lines);
    if (this.#waitingBytes + bytes.length > this.mostBytes) throw new Error("too many local decisions wait");
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const open = (this.#open ??= this.#make());
      try {
        if (this.#fs.writeSync(open.file, bytes) !== bytes.length) throw new Error("a line was not written whole");
      } catch (error) {
        this.#finish(); // so that nothing is written behind half a line
        throw error;
      }
      if (this.#fs.statSync(open.path, { throwIfNoEntry: false })?.ino === open.inode) {
        this.#waitingBytes += bytes.length;
        return;
      }
      this.#finish();
    }
    throw new Error("the file of local decisions is taken away again and again");
  }

  /** Everything that was written. Rejects with what `send` does; then the rest stays. */
  handOver(send: HandOver): Promise<void> {
    const next = this.#handingOver.then(() => this.#handOverAll(send));
    this.#handingOver = next.catch(() => undefined);
    return next;
  }

  async #handOverAll(send: HandOver): Promise<void> {
    this.#finish();
    for (const name of await this.#names()) {
      const path = this.#path.join(this.#folder, name);
      const ours = path === this.#open?.path ? undefined : this.#complete.has(path) ? path : await this.#taken(path);
      if (ours !== undefined) await this.#handOverOne(ours, send);
    }
    this.#waitingBytes = await this.#bytes();
  }

  #make(): Open {
    this.#fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const path = this.#path.join(this.#folder, `${newId()}${SUFFIX}`);
    const file = this.#fs.openSync(path, "ax", 0o600);
    return { path, file, inode: this.#fs.fstatSync(file).ino };
  }

  #finish(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open === undefined) return;
    this.#fs.closeSync(open.file);
    this.#complete.add(open.path);
  }

  /** What another client left, under a new name; undefined where it may still be written. */
  async #taken(path: string): Promise<string | undefined> {
    const { rename, stat, utimes } = this.#fs.promises;
    const fresh = this.#path.join(this.#folder, `${newId()}${SUFFIX}`);
    try {
      if (Date.now() - (await stat(path)).mtimeMs < LEFT_AFTER_MS) return undefined;
      await rename(path, fresh);
      this.#complete.add(fresh);
      await utimes(fresh, new Date(), new Date());
      return fresh;
    } catch {
      return undefined; // another was quicker
    }
  }

  async #handOverOne(path: string, send: HandOver): Promise<void> {
    const { appendFile, readFile, rm } = this.#fs.promises;
    const lines = (await readFile(path, "utf8").catch(noneIfGone)).split("\n");
    for (let start = 0; start < lines.length; start += MOST_AT_ONCE) {
      const entries = lines.slice(start, start + MOST_AT_ONCE).flatMap(readable);
      const refused = entries.length > 0 ? await send(entries) : [];
      if (refused.length === 0) continue;
      const text = refused.map((entry) => `${JSON.stringify(entry)}\n`).join("");
      await appendFile(this.#path.join(this.#folder, "refused.txt"), text, { mode: 0o600 });
    }
    await rm(path, { force: true });
    this.#complete.delete(path);
  }

  async #names(): Promise<string[]> {
    const names = await this.#fs.promises.readdir(this.#folder).catch(() => []);
    return names.filter((name) => name.endsWith(SUFFIX)).sort();
  }

  async #bytes(): Promise<number> {
    let bytes = 0;
    for (const name of await this.#names()) {
      const found = await this.#fs.promises.stat(this.#path.join(this.#folder, name)).catch(() => undefined);
      bytes += found?.size ?? 0;
    }
    return bytes;
  }
}

/** Another was quicker; whatever else goes wrong is no reason to lose a decision. */
function noneIfGone(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "";
  throw error;
}

/** The last line of a program that was killed may be cut off: its decision was never told. */
function readable(line: string): Entry[] {
  try {
    return [JSON.parse(line) as Entry];
  } catch {
    return [];
  }
}
