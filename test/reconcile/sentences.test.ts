/** Every kind of finding as a sentence, each written by hand. */
import { expect, test } from "vitest";
import { findingSentence, type About, type FindingKind } from "../../src/audit/finding.ts";

const [ROLE, CALLER] = ["arn:aws:iam::1:role/ai", "arn:aws:iam::1:user/x"];
const action = "s3:DeleteBucket";

/** A kind that is missing here does not compile. */
const CASES: Readonly<Record<FindingKind, readonly (readonly [About, string])[]>> = {
  assumed_without_session: [
    [
      { role: ROLE, caller: CALLER, sourceIdentity: "tks-2", outcome: "done" },
      `${CALLER} assumed the AI role ${ROLE} with source identity tks-2, and the record has no such session`,
    ],
    [
      { role: ROLE, caller: CALLER, sourceIdentity: null, outcome: "AccessDenied" },
      `${CALLER} tried to assume the AI role ${ROLE} (AWS answered AccessDenied) with no source identity, and the record has no such session`,
    ],
  ],
  other_caller: [
    [
      { caller: CALLER },
      `session tks-1 was asked for by ${CALLER}, who made none of the calls that the record proves to be Twokey's`,
    ],
  ],
  caller_not_confirmed: [
    [
      { caller: CALLER },
      `session tks-1 was asked for by ${CALLER}; no call in these events proves who Twokey is`,
    ],
  ],
  asked_more_than_once: [[{}, "STS was asked more than once for session tks-1; Twokey asks once"]],
  other_role_assumed: [
    [
      { role: ROLE, caller: CALLER, outcome: "done" },
      `${CALLER} assumed the role ${ROLE} under the name of session tks-1, whose role it is not`,
    ],
  ],
  wrong_tags: [[{ seen: "a=b" }, "session tks-1 was asked for with other tags than Twokey sends: a=b"]],
  outcome_differs: [
    [
      { recorded: "failed", seen: "issued it, with key ASIAX" },
      "session tks-1 is failed in the record, and CloudTrail shows that STS issued it, with key ASIAX",
    ],
  ],
  issued_key_differs: [
    [
      { accessKeyId: "ASIAX", recorded: "ASIAY" },
      "session tks-1 was issued with key ASIAX, the record has ASIAY",
    ],
  ],
  unknown_source_identity: [
    [
      { action, role: ROLE, sourceIdentity: "tks-2", accessKeyId: "ASIAX", keyOf: "tks-3" },
      `${action} by a session of the AI role ${ROLE} with source identity tks-2 (the key is that of session tks-3) and key ASIAX, which the record does not know`,
    ],
  ],
  no_source_identity: [
    [{ action }, `${action} with the key of session tks-1, and no source identity in the event`],
  ],
  key_differs: [
    [
      { action, accessKeyId: "ASIAX", keyOf: null },
      `${action} as session tks-1 with key ASIAX, which is not its own`,
    ],
    [
      { action, accessKeyId: "ASIAX", keyOf: "tks-3" },
      `${action} as session tks-1 with key ASIAX, which is that of session tks-3`,
    ],
  ],
  under_another_role: [
    [
      { action, role: ROLE },
      `${action} by a session of ${ROLE} that carries the source identity of session tks-1: it became another role`,
    ],
  ],
  used_undelivered: [
    [
      { action, recorded: "unknown" },
      `${action} as session tks-1, which is unknown in the record: nobody was given its credentials`,
    ],
  ],
  used_after_freeze: [[{ action, outcome: "done" }, `${action} by session tks-1 after it was frozen`]],
  used_after_end: [
    [{ action, outcome: "Throttling" }, `${action} (AWS answered Throttling) by session tks-1 after its end`],
  ],
  outside_intent: [
    [
      { action, outcome: "done", intent: "destroy", declared: "observe" },
      `${action} by session tks-1, which is to destroy; it was declared to observe`,
    ],
  ],
  settled_otherwise: [
    [
      { accessKeyId: "ASIAX" },
      "session tks-1 is settled as not issued, and CloudTrail shows that STS issued it with key ASIAX",
    ],
  ],
};

test.each(
  Object.entries(CASES).flatMap(([kind, cases]) =>
    cases.map(([about, says]) => [kind as FindingKind, about, says] as const),
  ),
)("%s", (kind, about, says) => {
  const at = new Date(0);
  const finding = { kind, level: "alarm", session: "tks-1", about, count: 1, first: at, last: at } as const;
  expect(findingSentence(finding)).toBe(says);
});
