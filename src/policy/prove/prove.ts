/**
 * The proof that a template cannot hurt production. The session is compiled as a mint would compile it, for every
 * representative case; AWS's rules (evaluate) answer every question (questions.ts); and whatever the oracle does not
 * permit must come out as an explicit deny. Pure: no clock, no file; progress is a callback.
 *
 * Assumed: the evaluator is AWS's, the action data and the list of safe reads are right, resource tags mean what the
 * guardrails say. Checked twice over: that one Deny of everything but the session's own actions stands in one
 * document, with no condition, so that what was only sampled is denied for any request whatever; and the sample.
 */
import { compile, compileSplit } from "../compile.ts";
import { documentsOf } from "../compiled.ts";
import { accountValues } from "../fill.ts";
import { evaluate, type PolicyLayers } from "../iam/evaluate.ts";
import { globMatch } from "../iam/match.ts";
import { parsePolicy, type ParsedPolicy, type ParseOptions } from "../iam/parse.ts";
import type { Decision, EvaluationRequest, PolicyDocument } from "../iam/types.ts";
import type { ActionTable } from "../knowledge.ts";
import type { PreparedTemplate } from "../prepare.ts";
import type { Account, Guardrails, Template } from "../set.ts";
import { representativeCases, type Parameters, type ProofCase } from "./cases.ts";
import { oracleFor, type Permission } from "./oracle.ts";
import { EVERYTHING, namesTheSession, type Question } from "./question.ts";
import { productOf, publishedTomorrow, sampleOf, surroundings, type Surroundings } from "./questions.ts";

export interface TemplateProof {
  readonly template: string;
  readonly proved: boolean;
  /** Sessions put to the question: one for each account, representative set of parameters, and form. */
  readonly sessions: number;
  readonly requests: number;
  /** Requests that came out `allowed`, by why they may. */
  readonly allowed: {
    readonly safeReads: number;
    readonly nonProduction: number;
    readonly exceptions: number;
    readonly approved: number;
    readonly used: number;
  };
  /** What each exception the template states let through: actions. */
  readonly exceptions: readonly { readonly exception: string; readonly permits: readonly string[] }[];
  /** What is wrong beyond single requests, in sentences. */
  readonly faults: readonly string[];
  /** At most one for each action, and `MOST_SHOWN` in all. */
  readonly counterexamples: readonly Counterexample[];
}

/** `request` and `policies` are a line of `twokey policy simulate`. */
export interface Counterexample {
  readonly id: string;
  readonly account: string;
  readonly parameters: Parameters;
  readonly decision: Decision;
  readonly request: EvaluationRequest;
  readonly policies: {
    readonly identity: readonly PolicyDocument[];
    readonly session: readonly PolicyDocument[];
    readonly boundary: null;
    readonly scp: null;
    readonly resource: PolicyDocument | null;
  };
}

export interface ProofOptions {
  readonly table: ActionTable;
  readonly guardrails: Guardrails;
  readonly accounts: readonly Account[];
  /** A quick look instead of a proof: of the actions that are not the template's own, every so many-th. */
  readonly every?: number;
  /** A quick look instead of a proof: of the template's own questions, every so many-th. */
  readonly step?: number;
  /** Called for each share of the work done, from 0 to 1. */
  readonly onProgress?: (share: number) => void;
}

/** A template as it is served, and how its sessions come to be; a test may bring altered ones. */
export interface Provable {
  readonly template: Template;
  /** The forms its session may take, each as all of its documents; none where the case does not fit. */
  readonly forms: (input: ProofCase) => readonly (readonly PolicyDocument[])[];
}

const MOST_SHOWN = 20;

/** As a mint compiles it, and as it is after STS said that the whole form is too large. */
export const provable = (prepared: PreparedTemplate): Provable => ({
  template: prepared.template,
  forms: (input) => {
    const forms = [compile(prepared, input), compileSplit(prepared, input)];
    const documents = forms.flatMap((form) => (form.ok ? [documentsOf(form.value)] : []));
    return [...new Map(documents.map((form) => [JSON.stringify(form), form])).values()];
  },
});

interface Tally {
  requests: number;
  readonly allowed: Record<Permission, number>;
  readonly exceptions: Set<string>;
  readonly faults: Set<string>;
  readonly counterexamples: Map<string, Counterexample>;
}

/** Asks everything of every session the template stands for. Throws for a policy that AWS could not read: a bug. */
export function proveTemplate({ template, forms }: Provable, options: ProofOptions): TemplateProof {
  const tally: Tally = {
    requests: 0,
    allowed: { safeRead: 0, nonProduction: 0, exception: 0, approved: 0, used: 0 },
    exceptions: new Set(),
    faults: new Set(),
    counterexamples: new Map(),
  };
  const sessions = representativeCases(template, options.accounts).flatMap((input) =>
    forms(input).map((documents) => ({ input, documents })),
  );
  if (sessions.length === 0) tally.faults.add("no representative parameters give a session");
  // A session's ceiling covers all that is not its own, so one of them answers for every published action.
  sessions.forEach((session, index) => {
    proveSession(
      template,
      session,
      { ...options, every: index === 0 ? (options.every ?? 1) : Infinity },
      tally,
    );
    options.onProgress?.((index + 1) / sessions.length);
  });
  return {
    template: template.name,
    proved: tally.faults.size === 0 && tally.counterexamples.size === 0,
    sessions: sessions.length,
    requests: tally.requests,
    allowed: {
      safeReads: tally.allowed.safeRead,
      nonProduction: tally.allowed.nonProduction,
      exceptions: tally.allowed.exception,
      approved: tally.allowed.approved,
      used: tally.allowed.used,
    },
    exceptions: template.exceptions.map((exception) => ({
      exception,
      permits: [...tally.exceptions].sort(),
    })),
    faults: [...tally.faults],
    counterexamples: [...tally.counterexamples.values()],
  };
}

interface Session {
  readonly input: ProofCase;
  readonly documents: readonly PolicyDocument[];
}

function proveSession(
  template: Template,
  session: Session,
  { table, guardrails, every = 1, step = 1, onProgress }: ProofOptions,
  tally: Tally,
): void {
  const { account, parameters } = session.input;
  const values = new Map([
    ...Object.entries(parameters),
    ...accountValues(account, guardrails.nonProduction),
  ]);
  const around = surroundings(template, guardrails, { account, values });
  const judge = judgeOf(template, guardrails, session, around, tally);
  const ceiling = ceilingOf(session.documents);
  if (ceiling === null) tally.faults.add("no statement denies everything but the template's own actions");
  const own = [...(ceiling ?? []), ...template.allow.flatMap(({ action }) => action)];
  let turn = 0;
  table.services.forEach((service, index) => {
    for (const facts of table.actions(service)) {
      if (own.some((pattern) => globMatch(pattern, facts.name, { ignoreCase: true }))) {
        for (const question of productOf(facts, around, step)) judge(question);
      } else if (turn++ % every === 0) {
        for (const question of sampleOf(facts, around)) judge(question);
      }
    }
    for (const question of sampleOf(publishedTomorrow(service), around)) judge(question);
    if (every !== Infinity) onProgress?.((index + 1) / table.services.length / 2);
  });
}

/**
 * What the ceiling leaves open: the patterns of the one Deny that covers every other action, on every resource and
 * under no condition; null where there is none. Any action it does not name is denied, whatever the request.
 */
export function ceilingOf(documents: readonly PolicyDocument[]): readonly string[] | null {
  for (const { Effect, NotAction, Resource, ...others } of documents.flatMap(({ Statement }) => Statement)) {
    const elements = Object.keys(others).filter((name) => name !== "Sid");
    if (Effect !== "Deny" || NotAction === undefined || Resource !== "*" || elements.length > 0) continue;
    return typeof NotAction === "string" ? [NotAction] : NotAction;
  }
  return null;
}

function judgeOf(
  template: Template,
  guardrails: Guardrails,
  { input, documents }: Session,
  { principal }: Surroundings,
  tally: Tally,
): (question: Question) => void {
  const permits = oracleFor(template, guardrails, input);
  const layers = layersOf(documents, principal.arn);
  return (question) => {
    tally.requests++;
    const { decision } = evaluate(question.request, question.named ? layers.named : layers.plain);
    if (decision === "explicitDeny") return;
    const permission = permits(question);
    if (permission === null) {
      const { name } = question.facts;
      if (tally.counterexamples.has(name) || tally.counterexamples.size >= MOST_SHOWN) return;
      tally.counterexamples.set(name, {
        id: `${template.name}/${name}`,
        account: input.account.id,
        parameters: input.parameters,
        decision,
        request: question.request,
        policies: {
          identity: [EVERYTHING],
          session: documents,
          boundary: null,
          scp: null,
          resource: question.named ? namesTheSession(principal.arn) : null,
        },
      });
    } else if (decision === "allowed") {
      tally.allowed[permission]++;
      if (permission === "exception") tally.exceptions.add(question.facts.name);
    }
  };
}

function layersOf(
  documents: readonly PolicyDocument[],
  arn: string,
): { readonly plain: PolicyLayers; readonly named: PolicyLayers } {
  const plain: PolicyLayers = {
    identity: [read(EVERYTHING)],
    session: documents.map((document) => read(document)),
    boundary: null,
    scp: null,
    resource: null,
  };
  return { plain, named: { ...plain, resource: read(namesTheSession(arn), { resourcePolicy: true }) } };
}

function read(document: PolicyDocument, options: ParseOptions = {}): ParsedPolicy {
  const parsed = parsePolicy(document, options);
  if (!parsed.ok) throw new Error(`a compiled policy cannot be read: ${parsed.error.join("; ")}`);
  return parsed.value;
}
