/** The routes that show the audit log: its signed state and proofs to whoever holds a receipt, its entries to operators. */
import { z } from "@hono/zod-openapi";
import type { CheckpointAnswer, EntriesAnswer, ProofAnswer } from "../api.ts";
import {
  readCheckpoint,
  readConsistency,
  readEntries,
  readInclusion,
  type Proof,
} from "../flows/read-log.ts";
import { ok } from "../result.ts";
import { JSON_TYPE, queryOf, type TokenRoute } from "./agent-route.ts";
import { readQuery } from "./schemas.ts";

const count = z.string().regex(/^\d{1,15}$/, { error: "is a whole number" });
const inclusionQuery = z.strictObject({ index: count, size: count.optional() });
const consistencyQuery = z.strictObject({
  old: count.regex(/[1-9]/, { error: "is at least 1" }),
  size: count.optional(),
});
const LARGEST_PAGE = 1_000;
const entriesQuery = z.strictObject({
  from: count.optional(),
  limit: z
    .string()
    .regex(/^(?:[1-9]\d{0,2}|1000)$/, { error: `is 1 to ${LARGEST_PAGE}` })
    .optional(),
});

const checkpointSchema = z
  .object({
    note: z.string().nullable().describe("signed note (C2SP tlog-checkpoint); null: nothing is signed yet"),
    size: z.int(),
    key: z.string().describe("verifier key, as C2SP signed-note writes it"),
  })
  .openapi("CheckpointAnswer") satisfies z.ZodType<CheckpointAnswer>;
const proofSchema = z
  .object({
    size: z.int(),
    root: z.string().describe("base64"),
    leaf: z.string().nullable().describe("leaf hash of the entry, base64; null of a consistency proof"),
    proof: z.array(z.string()).describe("hashes in the order of RFC 6962, base64"),
  })
  .openapi("ProofAnswer") satisfies z.ZodType<ProofAnswer>;
const entriesSchema = z
  .object({
    from: z.int(),
    entries: z.array(z.string()).describe("the exact texts: leaf n of the tree is the UTF-8 of entry n"),
    size: z.int().describe("entries there are"),
  })
  .openapi("EntriesAnswer") satisfies z.ZodType<EntriesAnswer>;

const base64 = (hash: Uint8Array): string => Buffer.from(hash).toString("base64");

const proofAnswer = ({ size, root, leaf, hashes }: Proof): ProofAnswer => ({
  size,
  root: base64(root),
  leaf: leaf === null ? null : base64(leaf),
  proof: hashes.map(base64),
});

const numberOr = <T>(text: string | undefined, otherwise: T): number | T =>
  text === undefined ? otherwise : Number(text);

export const AUDIT_ROUTES: readonly TokenRoute[] = [
  {
    caller: "reader",
    method: "GET",
    path: "/v1/audit/checkpoint",
    summary: "The latest signed checkpoint of the audit log, and the key that verifies it",
    answer: { description: "The checkpoint", type: JSON_TYPE, schema: checkpointSchema },
    handle: (broker, call) => readCheckpoint(broker, call),
  },
  {
    caller: "reader",
    method: "GET",
    path: "/v1/audit/inclusion",
    summary: "Prove that an entry is in the audit log",
    description:
      "`index` is a receipt's `audit_entry`. Without `size` it is proved for the latest checkpoint.",
    request: { query: inclusionQuery },
    answer: { description: "The proof", type: JSON_TYPE, schema: proofSchema },
    handle: async (broker, call, incoming) => {
      const proof = await readInclusion(broker, call, () => {
        const query = readQuery(inclusionQuery, queryOf(incoming));
        if (!query.ok) return query;
        const { index, size } = query.value;
        return ok({ index: Number(index), size: numberOr(size, null) });
      });
      return proof.ok ? ok(proofAnswer(proof.value)) : proof;
    },
  },
  {
    caller: "reader",
    method: "GET",
    path: "/v1/audit/consistency",
    summary: "Prove that the audit log goes on from an earlier checkpoint",
    request: { query: consistencyQuery },
    answer: { description: "The proof", type: JSON_TYPE, schema: proofSchema },
    handle: async (broker, call, incoming) => {
      const proof = await readConsistency(broker, call, () => {
        const query = readQuery(consistencyQuery, queryOf(incoming));
        if (!query.ok) return query;
        const { old, size } = query.value;
        return ok({ old: Number(old), size: numberOr(size, null) });
      });
      return proof.ok ? ok(proofAnswer(proof.value)) : proof;
    },
  },
  {
    caller: "operator",
    method: "GET",
    path: "/v1/audit/entries",
    summary: "Entries of the audit log, in its order",
    request: { query: entriesQuery },
    answer: { description: "The entries", type: JSON_TYPE, schema: entriesSchema },
    handle: async (broker, call, incoming) => {
      const page = await readEntries(broker, call, () => {
        const query = readQuery(entriesQuery, queryOf(incoming));
        if (!query.ok) return query;
        return ok({ from: numberOr(query.value.from, 0), limit: numberOr(query.value.limit, 100) });
      });
      if (!page.ok) return page;
      const { from, texts, size } = page.value;
      return ok<EntriesAnswer>({ from, entries: texts, size });
    },
  },
];
