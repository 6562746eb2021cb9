/**
 * The child of crash.test.ts: writes sessions for ever and prints, one a line, what the store acknowledged, until
 * it is killed. Arguments: the URL or an empty string, then the folder or an empty string.
 */
import { writeSync } from "node:fs";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { aSession, CONTEXT, ISSUED, LATER } from "./records.ts";

const [, , url = "", folder = ""] = process.argv;
const log = await openAuditLog({ url: url === "" ? null : url, folder: folder === "" ? null : folder });

const say = (fact: { readonly session: string; readonly state: string; readonly entry: number }) =>
  writeSync(1, `${JSON.stringify(fact)}\n`);

async function write(): Promise<never> {
  for (;;) {
    const session = aSession();
    const intent = await log.recordIntent(session, CONTEXT);
    if (!intent.ok) throw new Error("an intent without a key was refused");
    say({ session: session.id, state: "intent", entry: intent.value.entry });
    const outcome = await log.recordOutcome(session, ISSUED, LATER);
    say({ session: session.id, state: "issued", entry: outcome.entry });
  }
}

await Promise.all(Array.from({ length: 8 }, write));
