/** A span for each check, where the program gives a tracer of OpenTelemetry. */

import type { CheckRequest } from "./api.js";
import type { Decision } from "./decision.js";

const NAME = "ai_governance.check";
/** OpenTelemetry's SpanKind.CLIENT. */
const CLIENT = 2;

/** As much of OpenTelemetry's Tracer as is used. */
export interface Tracer {
  startSpan(name: string, options: { readonly kind: number }): Span;
}

export interface Span {
  setAttribute(name: string, value: string | number | boolean): unknown;
  end(): void;
}

/** What is told of a check names no person and no content. */
export async function traced(tracer: Tracer, request: CheckRequest, ask: () => Promise<Decision>): Promise<Decision> {
  const span = tracer.startSpan(NAME, { kind: CLIENT });
  try {
    tell(span, { "gen_ai.request.model": request.model, "gen_ai.operation.name": request.operation });
    const decision = await ask();
    tell(span, {
      "ai_governance.decision.id": decision.decisionId ?? decision.clientDecisionId,
      "ai_governance.decision.allowed": decision.allowed,
      "ai_governance.decision.by": decision.decidedBy,
      "ai_governance.reason.code": decision.reason,
      "ai_governance.risk_score": decision.riskScore,
      "ai_governance.policy.version": decision.policyVersion,
    });
    return decision;
  } finally {
    span.end();
  }
}

function tell(span: Span, told: Readonly<Record<string, string | number | boolean | undefined>>): void {
  for (const [name, value] of Object.entries(told)) if (value !== undefined) span.setAttribute(name, value);
}
