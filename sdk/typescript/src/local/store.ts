/** The last good bundle on disk, so that a program decides from its start, and never by an older one than before. */

import { builtIn } from "../runtime.js";

export class BundleStore {
  readonly #fs = builtIn("node:fs");
  readonly #bundle: string;
  readonly #revision: string;

  constructor(private readonly folder: string) {
    this.#bundle = builtIn("node:path").join(folder, "bundle");
    this.#revision = builtIn("node:path").join(folder, "bundle-revision.json");
  }

  /** The exact text and its signature. */
  read(): { body: string; signature: string } | undefined {
    try {
      const kept = this.#fs.readFileSync(this.#bundle, "utf8");
      const end = kept.indexOf("\n");
      return { signature: kept.slice(0, end), body: kept.slice(end + 1) };
    } catch {
      return undefined;
    }
  }

  /** The highest that was ever kept here. */
  newestRevision(): number {
    try {
      const kept = JSON.parse(this.#fs.readFileSync(this.#revision, "utf8")) as { revision?: unknown };
      return typeof kept.revision === "number" ? kept.revision : 0;
    } catch {
      return 0;
    }
  }

  /** Each file whole, or as it was. Throws what the file system does. */
  write(body: string, signature: string, revision: number): void {
    this.#replace(this.#revision, JSON.stringify({ revision }));
    this.#replace(this.#bundle, `${signature}\n${body}`);
  }

  /** What was ever the newest stays known. */
  remove(): void {
    this.#fs.rmSync(this.#bundle, { force: true });
  }

  #replace(path: string, content: string): void {
    this.#fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const unfinished = `${path}.${process.pid}.tmp`;
    try {
      const file = this.#fs.openSync(unfinished, "w", 0o600);
      try {
        this.#fs.writeFileSync(file, content);
        this.#fs.fsyncSync(file);
      } finally {
        this.#fs.closeSync(file);
      }
      this.#fs.renameSync(unfinished, path);
    } catch (error) {
      this.#fs.rmSync(unfinished, { force: true });
      throw error;
    }
  }
}
