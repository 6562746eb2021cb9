/**
 * The fault table as a manifest: what may fail, what must hold, and the tests that prove it by their titles. A title
 * that no test has fails here, and so does a test file of the fault harness that proves no line. Tests below test/faults run by `npm run test:faults`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

interface Line {
  readonly fault: string;
  readonly holds: string;
  /** Titles by test file, as they stand there; one that goes on with a value ends in `…`. */
  readonly proofs: Readonly<Record<string, readonly string[]>>;
}

const TABLE: readonly Line[] = [
  {
    fault: "kill -9 anywhere around STS",
    holds:
      "every STS issuance has an earlier durable intent; every delivered credential has a durable outcome",
    proofs: {
      "faults/kill.test.ts": [
        "leaves no credential without its record, at every failpoint …",
        "works on with the same database as if nothing had been",
      ],
      "broker/process.test.ts": [
        "killed between intent and outcome, the broker leaves the intent on record and delivered nothing",
      ],
      "broker/issue-flow.test.ts": [
        "the intent is on record before STS is called, and the outcome before credentials are answered",
      ],
      "store/crash.test.ts": [
        "a PGlite folder opens again, twice over, with all that was acknowledged",
        "PostgreSQL has all that was acknowledged…",
      ],
    },
  },
  {
    fault: "STS answers but the reply is lost",
    holds: "at most one credential is delivered for a grant; no blind second call; the entry says unknown",
    proofs: {
      "faults/sts-faults.test.ts": [
        "$name: nothing is delivered, the entry says unknown, the grant stays consumed, and STS was asked at most once",
      ],
      "escalation/mint.test.ts": ["nothing clear: the grant stays consumed"],
    },
  },
  {
    fault: "STS 429, 503, 30 s stall",
    holds: "a bounded wait and a clear error; a definite failure gives the grant back, doubt does not",
    proofs: {
      "faults/sts-faults.test.ts": [
        "STS says %i %s: the grant is there again and makes one session",
        "a refused connection: the grant is there again and makes one session",
      ],
      "broker/sts-adapter.test.ts": [
        "no answer within the deadline is unknown",
        "a refused connection is definite",
      ],
      "store/change-faults.test.ts": [
        "fails at every one of its statements and leaves nothing of it, and then is made",
      ],
    },
  },
  {
    fault: "a crash between approval and consumption, between any two statements",
    holds: "at most one issuance for a grant",
    proofs: {
      "faults/kill.test.ts": ["leaves no credential without its record, at every failpoint …"],
      "store/change-faults.test.ts": [
        "fails at every one of its statements and leaves nothing of it, and then is made",
        "is there when only the reply to COMMIT was lost, the caller hears of doubt, and it is not made twice",
      ],
      "escalation/parallel.test.ts": [
        "case 36: one grant and 100 parallel mints on two replicas: exactly one session",
        "case 36: 1,000 grants, 50 parallel mints of each on either replica: exactly 1,000 sessions",
      ],
    },
  },
  {
    fault: "a duplicate request with the same Idempotency-Key",
    holds: "the same escalation, another body is 409; for credentials 409 already_issued",
    proofs: {
      "escalation/request.test.ts": [
        "case 10: with the same Idempotency-Key and body the first answer is given again",
      ],
      "store/escalation-requests.test.ts": [
        "with the same key and another body it is refused and spends nothing",
      ],
      "broker/http.test.ts": ["never mints twice: the same body is already_issued, another is a conflict"],
      "escalation/mint.test.ts": ["an Idempotency-Key never mints twice from a grant either"],
    },
  },
  {
    fault: "two replicas count the second approval",
    holds: "ready if and only if enough different eligible people approved and nobody denied",
    proofs: {
      "store/replicas.test.ts": [
        "the second approval counted by both at once makes one grant of two people",
        "one person's approval through both at once is one decision",
        "case 38: approve through one and deny through the other at once is denied",
      ],
      "escalation/model.test.ts": ["no false quorum, no double mint, no lost decision"],
    },
  },
  {
    fault: "40001, 40P01, database down, failover, COMMIT reply lost, disk full",
    holds: "no mint without a record; no acknowledged decision lost; recovers without manual repair",
    proofs: {
      "faults/database-crash.test.ts": [
        "loses no acknowledged decision or session, and the broker goes on by itself, …",
        "the broker was one process all along, and stops cleanly",
      ],
      "faults/full-disk.test.ts": [
        "nothing is minted without a record while it is full, and all works again once there is room",
      ],
      "faults/lost-replies.test.ts": [
        "an intent whose confirmation is lost: STS is not asked, though the intent is on record",
        "an intent that never reached the database: STS is not asked, and nothing is on record",
        "an outcome whose confirmation is lost (%j): the credentials are withheld, and the outcome is there once",
        "a grant whose consumption's COMMIT is answered to nobody: consumed, and STS is never asked for it",
        "a grant whose consumption's COMMIT never reached the database: it is there, and makes one session",
        "a decision whose COMMIT is answered to nobody counts once, and its person hears of doubt",
        "every connection cut at once: agents and people are told 503 at most, and the next request works",
      ],
      "store/postgres.test.ts": [
        "a serialisation failure is retried and the callers never hear of it",
        "a COMMIT that the server answers with ROLLBACK is a rejection",
        "a server that falls silent costs a bounded wait, and its connection is not used again",
        "it is not ready on a database that takes no writes, nor when the database is gone",
      ],
      "store/change-faults.test.ts": [
        "is made again after a serialisation failure, and the caller never hears of it",
      ],
      "broker/lifecycle.test.ts": [
        "no record, no credential: when the store is gone every request is a 503 and STS is not called",
      ],
    },
  },
  {
    fault: "JWKS endpoint down, slow, wrong",
    holds: "the last good keys for an hour at most, never an unknown key",
    proofs: {
      "identity/keys.test.ts": [
        "an endpoint that %s",
        "keys that are nonsense are no keys",
        "a clock that is set back lends the keys no more life",
      ],
    },
  },
  {
    fault: "a clock five minutes off on one replica",
    holds: "approval expiry follows the database",
    proofs: {
      "faults/clocks.test.ts": [
        "an escalation that is not over is decided at the broker whose clock says it is",
        "an escalation that is over is decided nowhere, whatever the broker's clock says",
        "a grant that is not over is used at the broker whose clock says it is",
        "a grant that is over is used nowhere, whatever the broker's clock says",
        "approvals stand in the order in which the database took them",
      ],
      "store/replicas.test.ts": [
        "case 39: a decision that waited for the lock is held against the clock after the wait",
      ],
    },
  },
  {
    fault: "SIGTERM",
    holds: "unready first; accepted requests finish, long polls answer at once; no orphan intent",
    proofs: {
      "faults/sigterm.test.ts": ["no accepted request fails and no intent is orphaned, …"],
      "broker/lifecycle.test.ts": [
        "a stopping broker is unready at once, refuses new work, and finishes what it accepted",
      ],
      "broker/process.test.ts": ["SIGTERM ends an idle broker with 0, its stop on record"],
      "escalation/routes.test.ts": [
        "a long poll answers authorization_pending at once when the broker stops",
      ],
    },
  },
  {
    fault: "a freeze during a mint",
    holds: "nothing is delivered after the freeze was acknowledged",
    proofs: {
      "store/freeze-replicas.test.ts": [
        "is seen by the broker whose belief of the log's head is older than the freeze",
        "withholds on the one what the other was asked to freeze meanwhile",
        "freeze during a mint: of 200 mints on both while %s is frozen, every one that is delivered was so before it",
      ],
      "freeze/mint.test.ts": ["its template: a standing session that STS issued is withheld"],
    },
  },
  {
    fault: "any audit byte edited, dropped, reordered, the tail cut, the database rolled back",
    holds: "detected, the last two against a checkpoint kept outside",
    proofs: {
      "tamper/tampering.test.ts": [
        "10,000 random mutations of a log, however they are covered up, are all seen against a checkpoint kept outside",
        "without one, a change of what was signed is seen as long as a checkpoint of it is there",
        "the broker signs no log that was %s",
      ],
    },
  },
];

/** Titles of the tests in a file. Of a title with values in it, what stands before the first. */
function titlesIn(file: string): readonly string[] {
  const text = readFileSync(join(import.meta.dirname, file), "utf8");
  const titles: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^test\b/.test(node.expression.getText())) {
      const [title] = node.arguments;
      if (title !== undefined && ts.isStringLiteralLike(title)) titles.push(title.text);
      if (title !== undefined && ts.isTemplateExpression(title)) titles.push(`${title.head.text}…`);
    }
    node.forEachChild(visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true));
  return titles;
}

const CITED = TABLE.flatMap(({ fault, proofs }) =>
  Object.entries(proofs).flatMap(([file, titles]) => titles.map((title) => ({ fault, file, title }))),
);

test.each(TABLE)("$fault: $holds: is proved", ({ fault }) => {
  const cited = CITED.filter((one) => one.fault === fault);
  expect(cited).not.toEqual([]);
  const missing = cited.filter(({ file, title }) => !titlesIn(file).includes(title));
  expect(missing).toEqual([]);
});

test("every test file of the fault harness proves a line", () => {
  const files = readdirSync(join(import.meta.dirname, "faults"))
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `faults/${name}`);
  expect(files.length).toBeGreaterThan(5);
  expect(files.filter((file) => !CITED.some((one) => one.file === file))).toEqual([]);
});
