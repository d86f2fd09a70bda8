/** Where what is kept of one API key lies: beside other state of this user, and where the client for Python keeps it too. */

import { builtIn } from "./runtime.js";

export function fingerprintOf(apiKey: string): string {
  return builtIn("node:crypto").createHash("sha256").update(apiKey).digest("hex").slice(0, 16);
}

/** Throws where this user has no home. */
export function folderOf(configuration: { readonly spoolFolder: string | undefined; readonly apiKey: string }): string {
  return configuration.spoolFolder ?? defaultFolder(fingerprintOf(configuration.apiKey));
}

function defaultFolder(fingerprint: string): string {
  const { join } = builtIn("node:path");
  const { XDG_STATE_HOME: ofUser, LOCALAPPDATA: ofWindows } = process.env;
  const state = ofUser || ofWindows || join(builtIn("node:os").homedir(), ".local", "state");
  return join(state, "ai-governance", "decisions", fingerprint);
}
