/** `policy simulate`: the format of the issue, one line out for each line in whatever it holds, bounded memory. */
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LONGEST_LINE, simulateChunks } from "../../src/cli/policy/simulate.ts";
import { simulateLine, simulationCache } from "../../src/policy/simulate.ts";
import { twokeyOn } from "./run.ts";

const ACCOUNT = "111122223333";
const SESSION = `arn:aws:sts::${ACCOUNT}:assumed-role/ai-operator/orders-ci-x`;
const ALLOW = {
  Version: "2012-10-17",
  Statement: [{ Sid: "All", Effect: "Allow", Action: "*", Resource: "*" }],
};
const FENCE = {
  Version: "2012-10-17",
  Statement: [
    { Effect: "Allow", Action: "dynamodb:*", Resource: "*" },
    {
      Effect: "Deny",
      Action: "dynamodb:DeleteTable",
      Resource: "*",
      Condition: { StringNotEqualsIgnoreCase: { "aws:ResourceTag/environment": ["staging"] } },
    },
  ],
};

interface Line {
  readonly id: string;
  readonly request: Record<string, unknown>;
  readonly policies: Record<string, unknown>;
}

const line = (change: Partial<Line> = {}): Line => ({
  id: "1",
  request: {
    principal: { arn: SESSION, account: ACCOUNT },
    action: "dynamodb:DeleteTable",
    resource: `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/orders`,
    resourceAccount: ACCOUNT,
    context: { "aws:ResourceTag/environment": "staging" },
  },
  policies: { identity: [ALLOW], session: [FENCE], boundary: null, scp: null, resource: null },
  ...change,
});

type Answer = Record<string, unknown>;
const answer = (json: unknown): Answer =>
  JSON.parse(
    simulateLine(typeof json === "string" ? json : JSON.stringify(json), simulationCache()).text,
  ) as Answer;

const withRequest = (change: Record<string, unknown>): Line =>
  line({ request: { ...line().request, ...change } });
const withPolicies = (change: Record<string, unknown>): Line =>
  line({ policies: { ...line().policies, ...change } });

async function* bytes(...chunks: readonly (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

async function outOf(...chunks: readonly (string | Buffer)[]): Promise<Answer[]> {
  let out = "";
  for await (const text of simulateChunks(bytes(...chunks), { lines: 0, errors: 0 })) out += text;
  return out
    .split("\n")
    .slice(0, -1)
    .map((text) => JSON.parse(text) as Answer);
}

describe("policy simulate, a line", () => {
  test("an allowed request names the statements that allow it", () => {
    expect(answer(line())).toEqual({
      id: "1",
      decision: "allowed",
      matched: [
        { layer: "identity", policy: "0", statement: "All", effect: "Allow" },
        { layer: "session", policy: "0", statement: "0", effect: "Allow" },
      ],
      reason: expect.stringMatching(/^Allowed dynamodb:DeleteTable/) as string,
    });
  });

  test("a denied request names the Deny", () => {
    expect(answer(withRequest({ context: {} }))).toMatchObject({
      decision: "explicitDeny",
      matched: [{ layer: "session", policy: "0", statement: "1", effect: "Deny" }],
    });
  });

  test("session null is no session policy, and an empty list is one that allows nothing", () => {
    expect(answer(withPolicies({ session: null }))).toMatchObject({ decision: "allowed" });
    expect(answer(withPolicies({ session: [] }))).toMatchObject({ decision: "implicitDeny" });
  });

  test("the keys of a line may stand in any order, and be spaced", () => {
    const { id, request, policies } = line();
    const wanted = answer(line());
    for (const json of [
      { policies, id, request },
      { id, policies, request },
      { request: { ...request, context: { '"policies":null}': "}" } }, policies, id },
    ]) {
      expect(answer(json)).not.toHaveProperty("error");
    }
    expect(answer(` ${JSON.stringify(line(), null, 1).replaceAll("\n", " ")} \r`)).toEqual(wanted);
    const twice = `{"policies":{},${JSON.stringify(line()).slice(1)}`;
    expect(answer(twice)).toEqual(answer(JSON.parse(twice)));
  });

  test("a line taken apart is the same as one parsed whole, whatever it holds", () => {
    const cache = simulationCache();
    const text = fc.oneof(
      fc.constantFrom("policies", '"policies":', '"policies":null}', "\\", '\\"policies":', "}"),
      fc.string(),
    );
    const json = fc.oneof(
      text,
      fc.record({ policies: text }),
      fc.dictionary(text, text, { maxKeys: 3 }),
      fc.constant({ policies: line().policies }),
    );
    const whole = fc.record({
      id: text,
      request: fc.oneof(json, fc.constant(line().request)),
      policies: fc.oneof(json, fc.constant(line().policies)),
    });
    const cut = fc.tuple(whole, fc.nat(), fc.nat()).map(([value, from, length]) => {
      const full = JSON.stringify(value);
      const start = from % (full.length + 1);
      return full.slice(0, start) + full.slice(start + (length % 12));
    });
    fc.assert(
      fc.property(
        fc.oneof(
          whole.map((value) => JSON.stringify(value)),
          cut,
        ),
        (one) => {
          let parsed: unknown;
          try {
            parsed = JSON.parse(one);
          } catch {
            expect(JSON.parse(simulateLine(one, cache).text)).toEqual({
              id: null,
              error: "the line is not JSON",
            });
            return;
          }
          // With `policies` first, the line is always parsed whole.
          if (typeof parsed !== "object" || parsed === null) return;
          const { policies, ...others } = parsed as Record<string, unknown>;
          const reordered = JSON.stringify({ policies, ...others });
          expect(simulateLine(one, cache)).toEqual(simulateLine(reordered, cache));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("every SCP level must allow", () => {
    const nothing = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
    };
    expect(answer(withPolicies({ scp: [[ALLOW], [ALLOW, nothing]] }))).toMatchObject({ decision: "allowed" });
    expect(answer(withPolicies({ scp: [[ALLOW], [nothing]] }))).toMatchObject({ decision: "implicitDeny" });
  });

  test("a resource policy that names the session is not limited by an implicit deny", () => {
    const names = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { AWS: SESSION }, Action: "dynamodb:*", Resource: "*" }],
    };
    expect(answer(withPolicies({ session: [], resource: names }))).toMatchObject({ decision: "allowed" });
  });

  test("for sts:AssumeRole the resource policy is a trust policy, without Resource", () => {
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { AWS: SESSION }, Action: "sts:AssumeRole" }],
    };
    const asked = withRequest({ action: "sts:AssumeRole", resource: `arn:aws:iam::${ACCOUNT}:role/other` });
    const policies = { identity: [ALLOW], session: null, boundary: null, scp: null };
    expect(answer({ ...asked, policies: { ...policies, resource: trust } })).toMatchObject({
      decision: "allowed",
    });
    expect(answer(withPolicies({ resource: trust }))).toMatchObject({
      id: "1",
      error: expect.anything() as string,
    });
  });

  test("numbers and booleans in the context are what AWS carries", () => {
    const when = (Condition: unknown): Line =>
      withPolicies({
        session: [
          { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", Resource: "*", Condition } },
        ],
      });
    const context = { "aws:SecureTransport": true, "s3:max-keys": 5, "aws:TagKeys": ["a", "b"] };
    const decisions = [
      { Bool: { "aws:SecureTransport": "true" } },
      { NumericLessThan: { "s3:max-keys": "10" } },
      { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b", "c"] } },
    ].map((condition) => answer({ ...when(condition), request: { ...line().request, context } })["decision"]);
    expect(decisions).toEqual(["allowed", "allowed", "allowed"]);
  });
});

const MALFORMED: readonly { readonly title: string; readonly json: unknown; readonly id: unknown }[] = [
  { title: "text that is not JSON", json: "{", id: null },
  { title: "an empty line", json: "", id: null },
  { title: "a list", json: [], id: null },
  { title: "null", json: null, id: null },
  { title: "no id", json: { ...line(), id: undefined }, id: null },
  { title: "an id that is an object", json: { ...line(), id: {} }, id: null },
  { title: "no request", json: { ...line(), request: undefined }, id: "1" },
  { title: "no policies", json: { ...line(), policies: undefined }, id: "1" },
  { title: "a misspelt layer", json: withPolicies({ sesion: [] }), id: "1" },
  { title: "a misspelt request key", json: withRequest({ resourceacount: ACCOUNT }), id: "1" },
  { title: "an unknown key of the line", json: { ...line(), polices: {} }, id: "1" },
  { title: "no identity layer", json: withPolicies({ identity: undefined }), id: "1" },
  { title: "a layer that is no list", json: withPolicies({ session: FENCE }), id: "1" },
  { title: "SCPs without levels", json: withPolicies({ scp: [ALLOW] }), id: "1" },
  {
    title: "a policy with an unknown element",
    json: withPolicies({ session: [{ ...ALLOW, Extra: 1 }] }),
    id: "1",
  },
  { title: "a policy as text", json: withPolicies({ session: [JSON.stringify(ALLOW)] }), id: "1" },
  { title: "a context value that is null", json: withRequest({ context: { a: null } }), id: "1" },
  { title: "a context list of numbers", json: withRequest({ context: { a: [1] } }), id: "1" },
  { title: "a context list in a list", json: withRequest({ context: { a: [["b"]] } }), id: "1" },
  { title: "an action that is no text", json: withRequest({ action: 7 }), id: "1" },
  { title: "a principal as text", json: withRequest({ principal: SESSION }), id: "1" },
  {
    title: "a principal that is a role, which makes no requests",
    json: withRequest({ principal: { arn: `arn:aws:iam::${ACCOUNT}:role/ai-operator`, account: ACCOUNT } }),
    id: "1",
  },
];

describe("policy simulate, malformed lines", () => {
  test.each(MALFORMED)("$title is answered with an error", ({ json, id }) => {
    const out = answer(json);
    expect(Object.keys(out)).toEqual(["id", "error"]);
    expect(out["id"]).toBe(id);
    expect(out["error"]).toMatch(/\w/);
  });

  test("one output line for every input line, in order, whatever the lines and chunks", async () => {
    const anything = fc.oneof(
      fc.constant(JSON.stringify(line({ id: "good" }))),
      fc.json(),
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        ...MALFORMED.map(({ json }) => (typeof json === "string" ? json : JSON.stringify(json))),
      ),
      fc.json().map((json) => `{"id":"x","request":${json},"policies":${json}}`),
      fc
        .json()
        .map((json) =>
          JSON.stringify(withPolicies({ session: [JSON.parse(json)], resource: JSON.parse(json) })),
        ),
      fc.json().map((json) => JSON.stringify(withRequest({ context: JSON.parse(json) as unknown }))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(anything, { maxLength: 20 }),
        fc.integer({ min: 1, max: 500 }),
        async (lines, size) => {
          const clean = lines.map((text) => text.replaceAll("\n", " "));
          const whole = Buffer.from(clean.map((text) => `${text}\n`).join(""));
          const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
            whole.subarray(index * size, (index + 1) * size),
          );
          const out = await outOf(...chunks);
          expect(out.length).toBe(clean.length);
          for (const [index, text] of clean.entries()) {
            expect(out[index]).toEqual(JSON.parse(simulateLine(text, simulationCache()).text));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("bytes that are not UTF-8 are an error, and the next line is answered", async () => {
    const bad = Buffer.from([0x7b, 0xff, 0xfe, 0x7d, 0x0a]);
    expect(await outOf(bad, JSON.stringify(line()))).toMatchObject([
      { id: null, error: "the line is not UTF-8" },
      { id: "1", decision: "allowed" },
    ]);
  });

  test("a line over the limit is one error and is not kept, and the next line is answered", async () => {
    const chunk = "x".repeat(64 * 1024);
    const many = Array.from({ length: LONGEST_LINE / chunk.length + 1 }, () => chunk);
    const out = await outOf(`${JSON.stringify(line())}\n`, ...many, "\n", JSON.stringify(line()));
    expect(out).toMatchObject([
      { decision: "allowed" },
      { id: null, error: `the line is longer than ${LONGEST_LINE} bytes` },
      { decision: "allowed" },
    ]);
  });

  test("a policy in the cache is not taken for another kind, and a full cache forgets", () => {
    const cache = simulationCache();
    for (let index = 0; index < 1_500; index++) {
      const Statement = [{ Sid: `S${index}`, Effect: "Allow", Action: "*", Resource: "*" }];
      const json = withPolicies({ session: [{ Version: "2012-10-17", Statement }] });
      expect(simulateLine(JSON.stringify(json), cache).text).toContain(`"S${index}"`);
    }
    expect(cache.policies.size).toBeLessThanOrEqual(500);
    expect(cache.layers.size).toBeLessThanOrEqual(500);
    // Cached as a resource policy, it is still no identity policy, and the other way round.
    const granting = { ...ALLOW, Statement: [{ ...ALLOW.Statement[0], Principal: "*" }] };
    for (const change of [{ resource: granting }, { resource: granting, identity: [granting] }]) {
      const { failed } = simulateLine(JSON.stringify(withPolicies(change)), cache);
      expect(failed).toBe("identity" in change);
    }
    expect(simulateLine(JSON.stringify(withPolicies({ resource: ALLOW })), cache).failed).toBe(true);
  });
});

describe("policy simulate, a batch", () => {
  test("100,000 lines go through a slow reader with few in flight, in order", async () => {
    const total = 100_000;
    const body = JSON.stringify(line()).slice('{"id":"1"'.length);
    let produced = 0;
    let consumed = 0;
    let most = 0;
    function* source(): Generator<Buffer> {
      while (produced < total) {
        let text = "";
        for (let index = 0; index < 100; index++) text += `{"id":${produced++}${body}\n`;
        yield Buffer.from(text);
      }
    }
    const sink = new Writable({
      highWaterMark: 1024,
      write(chunk: Buffer, _encoding, done) {
        for (const text of chunk.toString("utf8").split("\n").slice(0, -1)) {
          const { id, decision } = JSON.parse(text) as { id: number; decision: string };
          if (id !== consumed || decision !== "allowed")
            throw new Error(`line ${consumed} was answered by ${text}`);
          consumed++;
        }
        most = Math.max(most, produced - consumed);
        setImmediate(done);
      },
    });
    const counts = { lines: 0, errors: 0 };
    await pipeline(
      Readable.from(source(), { highWaterMark: 1 }),
      (chunks: AsyncIterable<Buffer>) => simulateChunks(chunks, counts),
      sink,
    );
    expect(consumed).toBe(total);
    expect(counts).toEqual({ lines: total, errors: 0 });
    expect(most).toBeLessThan(1_000);
  });

  test("the command reads standard input, goes on after errors, and fails only with --strict", async () => {
    const input = `${JSON.stringify(line())}\nnonsense\n${JSON.stringify(line({ id: "2" }))}`;
    const run = await twokeyOn(input, "simulate");
    expect(run).toMatchObject({ code: 0, err: "twokey: 1 of 3 lines had an error\n" });
    expect(
      run.out
        .split("\n")
        .slice(0, -1)
        .map((text) => (JSON.parse(text) as Answer)["id"]),
    ).toEqual(["1", null, "2"]);
    expect(await twokeyOn(input, "simulate", "-", "--strict")).toMatchObject({ code: 1, out: run.out });
    expect(await twokeyOn("", "simulate")).toEqual({ code: 0, out: "", err: "" });
    expect(await twokeyOn("", "simulate", "no-such-file.jsonl")).toMatchObject({ code: 1, out: "" });
  });
});
