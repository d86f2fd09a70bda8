/** Where this runs: a live key belongs on a server, and anybody can read what a browser or an app has. */

import { ConfigurationError } from "./errors.js";

interface Around {
  window?: unknown;
  document?: unknown;
  EdgeRuntime?: unknown;
  WebSocketPair?: unknown;
  importScripts?: unknown;
  Deno?: unknown;
}

/** What a place is called where live keys are refused; undefined on a server. */
export function exposedRuntime(around: Around = globalThis as Around): string | undefined {
  if (around.window !== undefined && around.document !== undefined) return "a browser";
  if (around.EdgeRuntime !== undefined || around.WebSocketPair !== undefined) return "an edge runtime";
  if (typeof around.importScripts === "function") return "a web worker";
  if (typeof process !== "undefined" && process.versions?.node !== undefined) return undefined;
  return around.Deno !== undefined ? undefined : "a runtime that is not known to be a server";
}

/** Whether what is written here outlives the process. Elsewhere files are in memory, where there are any. */
export function hasDisk(): boolean {
  if (exposedRuntime() !== undefined || typeof process === "undefined") return false;
  return process.getBuiltinModule?.("node:fs") !== undefined;
}

interface BuiltIn {
  "node:crypto": typeof import("node:crypto");
  "node:fs": typeof import("node:fs");
  "node:os": typeof import("node:os");
  "node:path": typeof import("node:path");
}

/** A module of Node.js. Throws ConfigurationError where there is none. */
export function builtIn<Name extends keyof BuiltIn>(name: Name): BuiltIn[Name] {
  const found = typeof process === "undefined" ? undefined : process.getBuiltinModule?.(name);
  if (found === undefined) throw new ConfigurationError('decide: "local" needs Node.js 20.16 or newer.');
  return found as BuiltIn[Name];
}
