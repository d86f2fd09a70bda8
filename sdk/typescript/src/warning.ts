/** What a person has to look at, where Node.js shows such things: on standard error, unless the program listens. */
export function warn(what: string): void {
  if (typeof process === "undefined") console.warn(`ai-governance-client: ${what}`);
  else process.emitWarning(what, { type: "AiGovernanceWarning" });
}
