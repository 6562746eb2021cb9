/**
 * Who an agent is: a registered workload identity with an accountable owner. Never a label it gives itself.
 */

/** `^[a-z][a-z0-9-]{1,39}$`: short enough for a RoleSessionName with its random part. */
export type AgentName = string;
/** An id of people.yaml. */
export type PersonId = string;

export interface Agent {
  readonly name: AgentName;
  readonly owner: PersonId;
  /** Names of the templates open to this agent. */
  readonly templates: readonly string[];
  /** How it proved itself this time, for the record: issuer id and subject. */
  readonly proof: { readonly issuer: string; readonly subject: string };
}
