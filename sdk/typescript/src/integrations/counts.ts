/** How many messages and tools a call has: the length of each list, and of what is in it only names of tools. */

const MOST_TOKENS = 20;
/** What the service takes in a list of tokens. */
const TOKEN = /^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,127}$/;

interface Tool {
  readonly name?: unknown;
  readonly function?: { readonly name?: unknown };
  readonly custom?: { readonly name?: unknown };
}

/** What is no list is left out; so are the names if one of them is none, for others would pass for all of them. */
export function countsOf(
  { messages, tools }: { readonly messages?: unknown; readonly tools?: unknown },
  withToolNames: boolean,
): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  if (Array.isArray(messages)) facts.message_count = messages.length;
  if (!Array.isArray(tools)) return facts;
  facts.tool_count = tools.length;
  if (!withToolNames || tools.length > MOST_TOKENS) return facts;
  const names = tools.map(nameOf);
  if (names.every((name) => typeof name === "string" && TOKEN.test(name))) facts.tool_names = names;
  return facts;
}

/** OpenAI's chat completions have it one level down. */
function nameOf(tool: Tool | undefined): unknown {
  return tool?.name ?? tool?.function?.name ?? tool?.custom?.name;
}
