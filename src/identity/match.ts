/**
 * Whose token is it: verified claims → the one registered agent they prove. Patterns are anchored and compared
 * segment by segment. Must never match by prefix, and never choose between two agents.
 */
import { err, ok, type Result } from "../result.ts";
import type { Agent } from "./agent.ts";
import type { AgentRegistration, AgentRegistry } from "./registry.ts";
import type { TokenFault, VerifiedClaims } from "./verify.ts";

/** Segments at even places, separators at odd ones. */
const split = (text: string): readonly string[] => text.split(/([:/])/);

/**
 * What is wrong with a pattern, or null. `*` stands for exactly one whole segment, so that a pattern's author can
 * read off it which part of a subject the issuer guarantees.
 */
export function validatePattern(pattern: string): string | null {
  if (pattern === "") return "the pattern is empty";
  if (/[\s\p{C}]/u.test(pattern)) return "the pattern holds white space or a control character";
  const segments = split(pattern).filter((_, place) => place % 2 === 0);
  if (segments.some((segment) => segment.length > 1 && segment.includes("*"))) {
    return "`*` stands for one whole segment between `:` and `/`, never for a part of one";
  }
  if (segments.every((segment) => segment === "*" || segment === "")) {
    return "the pattern names nothing: whoever the issuer vouches for would match";
  }
  return null;
}

/** Case-sensitive. A pattern `validatePattern` would refuse matches nothing. */
export function matchesPattern(pattern: string, value: string): boolean {
  if (validatePattern(pattern) !== null) return false;
  const wanted = split(pattern);
  const given = split(value);
  return (
    wanted.length === given.length &&
    wanted.every((part, place) => (part === "*" ? given[place] !== "" : part === given[place]))
  );
}

/** The agent these claims prove. No registration, or more than one, is `no_such_agent`. */
export function matchAgent(claims: VerifiedClaims, registry: AgentRegistry): Result<Agent, TokenFault> {
  const kind = registry.issuers.find((issuer) => issuer.id === claims.issuerId)?.kind;
  const proves = { oidc: provesByClaims, enrolled: provesByKey };
  const found = registry.agents.filter(
    (agent) => kind !== undefined && agent.issuer === claims.issuerId && proves[kind](claims, agent),
  );
  const [agent, another] = found;
  if (agent === undefined) return err(noAgent("no registration matches the token"));
  if (another !== undefined) {
    return err(noAgent(`ambiguous: the token matches ${found.map(({ name }) => name).join(" and ")}`));
  }
  const { name, owner, templates } = agent;
  return ok({ name, owner, templates, proof: { issuer: claims.issuerId, subject: claims.subject } });
}

const noAgent = (detail: string): TokenFault => ({ reason: "no_such_agent", detail });

function provesByClaims(claims: VerifiedClaims, agent: AgentRegistration): boolean {
  return (
    matchesPattern(agent.subject, claims.subject) &&
    Object.entries(agent.claims).every(([name, pattern]) => {
      const value = Object.hasOwn(claims.claims, name) ? claims.claims[name] : undefined;
      return typeof value === "string" && matchesPattern(pattern, value);
    })
  );
}

/** An enrolled agent speaks for itself alone, with a key of its own. */
function provesByKey({ subject, keyId }: VerifiedClaims, agent: AgentRegistration): boolean {
  return agent.name === subject && agent.keys.some((key) => key.kid === keyId);
}
