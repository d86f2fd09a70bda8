// A service that decides, and a provider of models that speaks OpenAI's and Anthropic's protocols, on this machine.
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../dist/esm/index.js";

const REASON = { code: "pii", policy: "p", points: 70, blocks: true, message: "m", fix: "Remove it." };
const TEXT = { role: "assistant", content: "hi" };
const MESSAGE = {
  ...{ id: "m", type: "message", role: "assistant", model: "claude-4", content: [{ type: "text", text: "hi" }] },
  ...{ stop_reason: "end_turn", stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } },
};

export class Servers {
  checks = [];
  asked = [];
  failures = 0;
  answers = [];
  #servers = [];

  async start() {
    this.provider = await this.#listen((path, body) => this.#provide(path, body), this.asked);
    this.service = await this.#listen((_, check) => {
      const isBlocked = check.metadata.contains_personal_data === true;
      const reasons = isBlocked ? [REASON] : [];
      const answer = { allowed: !isBlocked, reason: isBlocked ? "pii" : "ok", reasons, decision_id: "dec_1", risk_score: 0, policy_version: 1 };
      return [200, "application/json", JSON.stringify(answer)];
    }, this.checks);
    this.folder = mkdtempSync(join(tmpdir(), "aig-"));
    this.client = new Client({ baseUrl: this.service, apiKey: "aig_test_0123456789", spoolFolder: this.folder });
    return this;
  }

  async stop() {
    await this.client.close();
    rmSync(this.folder, { recursive: true, force: true });
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  async #listen(answer, seen) {
    const server = createServer((request, response) => {
      const pieces = [];
      request.on("data", (piece) => pieces.push(piece));
      request.on("end", () => {
        const text = Buffer.concat(pieces).toString();
        const isJson = (request.headers["content-type"] ?? "").includes("json");
        const body = isJson ? JSON.parse(text) : text;
        seen.push({ path: request.url, body });
        const [status, type, content] = answer(request.url, body);
        response.writeHead(status, { "Content-Type": type });
        response.end(content);
      });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    this.#servers.push(server);
    return `http://127.0.0.1:${server.address().port}`;
  }

  #provide(path, body) {
    if (this.failures > 0) {
      this.failures -= 1;
      return [500, "application/json", '{"error": {"message": "not now"}}'];
    }
    if (path.includes("/embeddings")) {
      const data = [{ object: "embedding", index: 0, embedding: [0.5] }];
      return [200, "application/json", JSON.stringify({ object: "list", model: "e", data, usage: { prompt_tokens: 1, total_tokens: 1 } })];
    }
    if (path.includes("/messages")) return [200, "application/json", JSON.stringify(MESSAGE)];
    const message = this.answers.shift() ?? TEXT;
    const finish = message.tool_calls ? "tool_calls" : "stop";
    const head = { id: "c", created: 1, model: body.model };
    if (!body.stream) {
      const choices = [{ index: 0, finish_reason: finish, message }];
      return [200, "application/json", JSON.stringify({ ...head, object: "chat.completion", choices, usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })];
    }
    const parts = [[message, null], [{}, finish]].map(([delta, reason]) => {
      const choices = [{ index: 0, delta, finish_reason: reason }];
      return `data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices })}\n\n`;
    });
    return [200, "text/event-stream", `${parts.join("")}data: [DONE]\n\n`];
  }
}

/** Whoever looks inside fails. */
export function unreadable() {
  const fail = () => {
    throw new Error("content was read");
  };
  const traps = ["get", "has", "ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf", "isExtensible"];
  return new Proxy([], Object.fromEntries(traps.map((name) => [name, fail])));
}
