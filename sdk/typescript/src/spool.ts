/** Decisions that were made without the service, until the service has them. */

import type { CheckRequest } from "./api.js";
import type { Configuration } from "./configuration.js";
import { DiskSpool } from "./disk-spool.js";
import { ConfigurationError } from "./errors.js";
import { folderOf } from "./folder.js";
import { hasDisk } from "./runtime.js";
import type { Mode } from "./unavailable.js";

export const MOST_KEPT = 10_000;

export interface Entry extends CheckRequest {
  readonly id: string;
  readonly allowed: boolean;
  readonly mode: Mode;
  readonly sent_under: string;
  readonly position: number;
}

export interface Spool {
  /** Whether what is kept outlives the process. */
  readonly isOnDisk: boolean;
  readonly size: number;

  /** Kept once it resolves. Rejects where it can't be; then the decision must not count. */
  add(entry: Entry): Promise<void>;

  oldest(most: number): Promise<Entry[]>;

  remove(id: string): Promise<void>;

  /** Of one that the service refuses, so that no other waits behind it. */
  setAside(id: string): Promise<void>;
}

/** On disk wherever there is one. Throws ConfigurationError for a folder where there is none. */
export function makeSpool(configuration: Configuration): Spool {
  if (hasDisk()) return new DiskSpool(() => folderOf(configuration), MOST_KEPT);
  if (configuration.spoolFolder !== undefined) {
    throw new ConfigurationError("spoolFolder needs Node.js 20.16 or newer: there is no disk here.");
  }
  return new MemorySpool(MOST_KEPT);
}

/** Where there is no disk: as long as the process lives. */
class MemorySpool implements Spool {
  readonly isOnDisk = false;
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly most: number) {}

  get size(): number {
    return this.#entries.size;
  }

  async add(entry: Entry): Promise<void> {
    if (this.#entries.size >= this.most) throw new Error(`${this.most} decisions wait`);
    this.#entries.set(entry.id, entry);
  }

  async oldest(most: number): Promise<Entry[]> {
    return [...this.#entries.values()].slice(0, most);
  }

  async remove(id: string): Promise<void> {
    this.#entries.delete(id);
  }

  setAside(id: string): Promise<void> {
    return this.remove(id);
  }
}
