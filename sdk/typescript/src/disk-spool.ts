/**
 * A file for each decision, as the client for Python writes them: each hands over what the other left behind.
 *
 * Any number of processes may share a folder: a file appears whole, and handing it over twice is harmless.
 */

import { newId } from "./ids.js";
import { builtIn } from "./runtime.js";
import type { Entry, Spool } from "./spool.js";

const SUFFIX = ".json";
/** For so long a process trusts what it counted: others write there too, and counting ten thousand files takes time. */
const COUNTED_FOR_MS = 1000;

export class DiskSpool implements Spool {
  readonly isOnDisk = true;
  readonly #fs = builtIn("node:fs");
  readonly #path = builtIn("node:path");
  #folder: string | undefined;
  #counted = 0;
  #countsAgainAt = 0;

  /** `folder` is asked when it is needed, since a user may have no home. */
  constructor(
    private readonly folder: () => string,
    private readonly most: number,
  ) {}

  get size(): number {
    try {
      return this.#fs.readdirSync(this.#home()).filter(isEntry).length;
    } catch {
      return 0;
    }
  }

  async add(entry: Entry): Promise<void> {
    this.#takeRoom();
    const { mkdir, rename, rm, writeFile } = this.#fs.promises;
    const unfinished = this.#path.join(this.#home(), `${newId()}.tmp`);
    await mkdir(this.#home(), { recursive: true, mode: 0o700 });
    try {
      await writeFile(unfinished, JSON.stringify(entry), { flag: "wx", mode: 0o600, flush: true });
      await rename(unfinished, this.#fileOf(entry.id));
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  /** Ids begin with their time. */
  async oldest(most: number): Promise<Entry[]> {
    const names = await this.#fs.promises.readdir(this.#home()).catch(noneIfGone);
    const found = names.filter(isEntry).sort().slice(0, most).map((name) => this.#read(name));
    return (await Promise.all(found)).flat();
  }

  async remove(id: string): Promise<void> {
    await this.#fs.promises.rm(this.#fileOf(id), { force: true });
    this.#countsAgainAt = 0;
  }

  /** In a folder beside the others, for a person to look at. */
  async setAside(id: string): Promise<void> {
    const { mkdir, rename } = this.#fs.promises;
    const refused = this.#path.join(this.#home(), "refused");
    await mkdir(refused, { recursive: true, mode: 0o700 });
    await rename(this.#fileOf(id), this.#path.join(refused, `${id}${SUFFIX}`)).catch(noneIfGone);
    this.#countsAgainAt = 0;
  }

  #home(): string {
    return (this.#folder ??= this.folder());
  }

  #fileOf(id: string): string {
    return this.#path.join(this.#home(), `${id}${SUFFIX}`);
  }

  /** Throws where there is none. */
  #takeRoom(): void {
    const now = performance.now();
    if (now >= this.#countsAgainAt) {
      this.#counted = this.size;
      this.#countsAgainAt = now + COUNTED_FOR_MS;
    }
    if (this.#counted >= this.most) throw new Error(`${this.most} decisions wait`);
    this.#counted += 1;
  }

  /** None where another process was quicker, or where nobody can read it. */
  async #read(name: string): Promise<Entry[]> {
    const text = await this.#fs.promises.readFile(this.#path.join(this.#home(), name), "utf8").catch(noneIfGone);
    if (typeof text !== "string") return [];
    try {
      return [JSON.parse(text) as Entry];
    } catch {
      await this.setAside(name.slice(0, -SUFFIX.length));
      return [];
    }
  }
}

function isEntry(name: string): boolean {
  return name.endsWith(SUFFIX);
}

function noneIfGone(error: NodeJS.ErrnoException): never[] {
  if (error.code === "ENOENT") return [];
  throw error;
}
