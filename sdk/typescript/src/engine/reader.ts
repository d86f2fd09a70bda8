/** From the text of a request to a question, or a refusal. */

import { needNoContent } from "./content/names.js";
import { DistinctValues } from "./distinct-values.js";
import { type Question, readQuestion, type Vocabulary } from "./facts.js";

export class Reader {
  readonly #values = new DistinctValues();

  /** Throws Refusal. `text` is what would be sent. */
  read(text: string, vocabulary: Vocabulary): Question {
    const parsed: unknown = JSON.parse(text);
    needNoContent(text, parsed);
    const question = readQuestion(parsed, vocabulary);
    this.#values.needFew(question.facts);
    return question;
  }
}
