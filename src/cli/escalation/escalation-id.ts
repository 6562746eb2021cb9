/** An escalation's id as an argument of the command line: it goes into a path, so nothing else is taken. */
import { InvalidArgumentError } from "commander";
import { ESCALATION_ID } from "../../client/escalation.ts";

export function escalationId(text: string): string {
  if (!ESCALATION_ID.test(text)) throw new InvalidArgumentError("is no escalation's id (esc-…)");
  return text;
}
