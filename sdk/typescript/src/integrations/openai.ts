/** OpenAI 7: `govern(new OpenAI(), client)` is an OpenAI client that checks each call of a model first. */

import type { Client } from "../client.js";
import type { GovernanceOptions } from "./checker.js";
import { governed, type Provider } from "./governed.js";

export { type GovernanceOptions, NotCoveredError } from "./checker.js";

const OPENAI: Provider = {
  name: "openai",
  operations: new Map([
    ["/chat/completions", "chat"],
    ["/responses", "chat"],
    ["/responses/compact", "chat"],
    ["/completions", "text_completion"],
    ["/embeddings", "embeddings"],
    ["/moderations", "moderation"],
    ["/decisions", "decisions"],
    ["/images/generations", "image_generation"],
    ["/images/edits", "image_generation"],
    ["/images/variations", "image_generation"],
    ["/audio/speech", "speech"],
    ["/audio/transcriptions", "transcription"],
    ["/audio/translations", "translation"],
    ["/videos", "generate_content"],
  ]),
  free: /^\/(?:(?:files|uploads|conversations|containers)(?:\/.*)?|responses\/input_tokens|[\w/-]+\/cancel|chat\/completions\/[\w-]+)$/,
};

/** A blocked call throws BlockedError, one that is not covered NotCoveredError; neither reaches the provider. */
export function govern<T extends object>(openai: T, client: Client, options: GovernanceOptions = {}): T {
  return governed(openai, client, OPENAI, options);
}
