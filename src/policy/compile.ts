/**
 * The compiler: statements become the documents of one session. In this order, the first that fits:
 *
 *   whole   one inline policy; plain, then folded, then widened (fit.ts)
 *   split   every Deny that does not depend on parameters stands in published managed policies (split.ts), passed
 *           as PolicyArns; the rest is inline, as small as it can be
 *
 * What fits in neither form is a fault. A Deny is never dropped.
 */
import { err, ok, type Result } from "../result.ts";
import { compiledDigest, type CompiledSession } from "./compiled.ts";
import { actionsUnderCeiling, fit, SESSION_POLICY_LIMIT } from "./fit.ts";
import type { PolicyDocument } from "./iam/types.ts";
import type { PreparedTemplate } from "./prepare.ts";
import { MANAGED_POLICY_LIMIT, publishedFor, withoutPublished, type PublishedPolicy } from "./split.ts";
import { statementsOf, type CompileInput, type StatementFault } from "./statements.ts";

export type { CompileInput };

export type CompileFault =
  | StatementFault
  | { readonly reason: "too_large"; readonly size: number; readonly limit: number }
  /** compileSplit only: nothing of this session can stand in a published policy. */
  | { readonly reason: "cannot_split" };

/** Characters: what is not vended stands in a managed policy of its own. */
export const limitOf = ({ template }: PreparedTemplate): number =>
  template.role === "stack_service" ? MANAGED_POLICY_LIMIT : SESSION_POLICY_LIMIT;

/** The whole form, or where that is over `limit` characters the split one. */
export function compile(
  prepared: PreparedTemplate,
  input: CompileInput,
  limit = limitOf(prepared),
): Result<CompiledSession, CompileFault> {
  const statements = statementsOf(prepared, input);
  if (!statements.ok) return statements;
  const fitted = fit(documentOf(statements.value), limit, prepared.folds);
  if (fitted.text.length <= limit) return ok(session(fitted, []));
  const split = compileSplit(prepared, input, limit);
  if (split.ok || split.error.reason === "too_large") return split;
  return err({ reason: "too_large", size: fitted.text.length, limit });
}

/** The split form, whether or not the whole one fits: the answer to STS's PackedPolicyTooLarge. */
export function compileSplit(
  prepared: PreparedTemplate,
  input: CompileInput,
  limit = limitOf(prepared),
): Result<CompiledSession, CompileFault> {
  const statements = statementsOf(prepared, input);
  if (!statements.ok) return statements;
  const published = publishedFor(prepared, input);
  const left = withoutPublished(statements.value, published);
  if (left === null) return err({ reason: "cannot_split" });
  // The ceiling applies to the session wherever it stands, so folding rests on it as before. The smallest form there
  // is: what STS calls too large in packed size cannot be told from the number of characters.
  const fitted = fit(documentOf(left), 0, prepared.folds, actionsUnderCeiling(statements.value));
  if (fitted.text.length > limit) return err({ reason: "too_large", size: fitted.text.length, limit });
  return ok(session(fitted, published));
}

const documentOf = (statements: PolicyDocument["Statement"]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

function session(
  { document, text }: { readonly document: PolicyDocument; readonly text: string },
  published: readonly PublishedPolicy[],
): CompiledSession {
  const policyArns = published.map(({ arn }) => arn);
  return {
    document,
    policy: text,
    policyArns,
    published: published.map((policy) => policy.document),
    digest: compiledDigest(text, policyArns),
  };
}
