/** Where this runs: a live key belongs on a server, and anybody can read what a browser or an app has. */

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
