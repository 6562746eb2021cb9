/** The kill switch over HTTP: the operators' token stops and sees, a person's passkey stops and starts, an agent's neither. */
import { readFileSync, statSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { tokenCheck } from "../../src/adapters/key-files/key-files.ts";
import type { FreezeAnswer, FreezesAnswer } from "../../src/api.ts";
import { Secret } from "../../src/session/credentials.ts";
import { Browser, editPolicy, firstAdministrator, invited } from "../humans/world.ts";
import { ask, send, startTestBroker } from "../support/test-broker.ts";
import { freezeAs, startFreezeWorld, thawAs, type FreezeWorld, type Target } from "./world.ts";

let world: FreezeWorld;
let platform: Browser;
let security: Browser;
let owner: Browser;
beforeAll(async () => {
  world = await startFreezeWorld();
  platform = await firstAdministrator(world);
  security = await invited(platform, "security-engineer");
  owner = await invited(platform, "orders-lead");
});
afterAll(() => world.close());

const ALL: Target = { kind: "all" };
const AGENT: Target = { kind: "agent", name: "orders-ci" };
const list = async () => (await world.operator("GET")).json as unknown as FreezesAnswer;
const entriesOf = async (kind: string) =>
  (await world.broker.audit.entries({ from: 0, limit: 10_000 })).filter((entry) => entry.kind === kind);
afterEach(async () => {
  for (const { kind, name } of (await list()).freezes) {
    const target = name === null ? { kind } : { kind, name };
    for (const browser of kind === "all" ? [platform, security] : [platform]) await thawAs(browser, target);
  }
  expect((await list()).freezes).toEqual([]);
});

describe("an operator", () => {
  test("freezes by the token, and is told what holds where; the agent is refused from the answer on", async () => {
    const issued = await ask(world);
    const id = (issued.json["session"] as { readonly id: string }).id;
    const reply = await world.operator("POST", { ...AGENT, reason: "it deleted a table" });
    expect(reply.status).toBe(201);
    const { freeze, sessions, roles, url } = reply.json as unknown as FreezeAnswer;
    expect(freeze).toMatchObject({
      kind: "agent",
      name: "orders-ci",
      reason: "it deleted a table",
      by: "operator",
      person: null,
      first_key: null,
    });
    expect(sessions.map((session) => session.id)).toContain(id);
    // Nothing listens where AWS should be, and the answer says so.
    expect(roles.map(({ state }) => state)).toEqual(["failed"]);
    expect(url).toBe(`${world.origin}/sessions`);
    const refused = await ask(world);
    expect([refused.status, refused.json["code"]]).toEqual([403, "frozen"]);
    expect(refused.json).not.toHaveProperty("credentials");
    expect((await ask({ url: world.url, agent: world.other })).status).toBe(200);
    const [entry] = (await entriesOf("freeze.made")).slice(-1);
    expect(entry?.index).toBe(freeze.audit_entry);
  });

  test("freezes a session, a template and everything, and sees them newest first", async () => {
    const id = ((await ask(world)).json["session"] as { readonly id: string }).id;
    const orders = [{ kind: "session", name: id }, { kind: "template", name: "observe" }, ALL];
    for (const order of orders) expect((await world.operator("POST", order)).status).toBe(201);
    expect((await list()).freezes.map(({ kind, name }) => [kind, name])).toEqual([
      ["all", null],
      ["template", "observe"],
      ["session", id],
    ]);
    expect((await ask({ url: world.url, agent: world.other })).json["code"]).toBe("frozen");
  });

  test("who freezes what is frozen is answered with the freeze that is there", async () => {
    const [first, again] = [await world.operator("POST", AGENT), await world.operator("POST", AGENT)];
    expect([again.status, again.json["freeze"]]).toEqual([201, first.json["freeze"]]);
  });

  test.each([
    ["agent", "orders-c1"],
    ["template", "observ"],
    ["session", `tks-${"a".repeat(24)}`],
  ])("who misspells the %s is told that nothing was frozen", async (kind, name) => {
    const reply = await world.operator("POST", { kind, name });
    expect([reply.status, reply.json["code"]]).toEqual([404, "nothing_to_freeze"]);
    expect((await list()).freezes).toEqual([]);
  });

  test.each<[string, unknown]>([
    ["no kind", { name: "orders-ci" }],
    ["another kind", { kind: "role", name: "orders-ci" }],
    ["no name", { kind: "agent" }],
    ["a name of everything", { kind: "all", name: "orders-ci" }],
    ["a name that is none", { kind: "agent", name: "../orders-ci" }],
    ["a name with a newline", { kind: "agent", name: "orders-ci\n" }],
    ["a field nobody knows", { ...AGENT, force: true }],
    ["a reason of two lines", { ...AGENT, reason: "one\ntwo" }],
    ["a reason with an escape", { ...AGENT, reason: "\u001b[31m" }],
    ["a reason of 64 KiB", { ...AGENT, reason: "x".repeat(60_000) }],
    ["a list", [AGENT]],
    ["a text", "all"],
  ])("whose body has %s is refused, and nothing is frozen", async (_title, body) => {
    const reply = await world.operator("POST", body);
    expect([reply.status, reply.json["code"]]).toEqual([400, "invalid_request"]);
    expect((await list()).freezes).toEqual([]);
  });

  test.each<[string, () => Promise<string | null>]>([
    ["no token", async () => null],
    ["a wrong one", async () => `Bearer ${"x".repeat(43)}`],
    ["the beginning of the right one", async () => `Bearer ${world.token.slice(0, -1)}`],
    ["the right one and more", async () => `Bearer ${world.token}x`],
    ["an empty one", async () => "Bearer "],
    ["the right one as another scheme", async () => `Basic ${world.token}`],
    ["an agent's token", async () => `Bearer ${await world.agent.token()}`],
  ])("with %s is refused on every route, recorded, and nothing is frozen", async (_title, authorization) => {
    const before = (await entriesOf("request.refused")).length;
    for (const [method, body] of [
      ["POST", ALL],
      ["GET", undefined],
    ] as const) {
      const reply = await world.operator(method, body, await authorization());
      expect([reply.status, reply.text.includes("reason")]).toEqual([401, false]);
    }
    expect((await entriesOf("request.refused")).length).toBe(before + 2);
    expect((await list()).freezes).toEqual([]);
  });

  test("whose token is on an agent's route, a person's route or a page is nobody", async () => {
    const authorization = `Bearer ${world.token}`;
    const json = { authorization, "content-type": "application/json" };
    for (const path of ["/v1/sessions", "/v1/templates", "/v1/escalations"])
      expect([path, (await send(world.url, "GET", path, json)).status]).toEqual([path, 401]);
    expect((await send(world.url, "POST", "/v1/credentials", json, "{}")).status).toBe(401);
    await world.operator("POST", AGENT);
    const confirmation = await platform.confirmation("thaw agent orders-ci");
    for (const path of ["/v1/thaws", "/v1/freezes/confirmed", "/v1/decisions", "/v1/people/sign-out"]) {
      const body = { target: AGENT, reason: "", confirmation };
      const reply = await new Browser(world).post(path, body, { authorization });
      expect([path, [400, 401].includes(reply.status)]).toEqual([path, true]);
    }
    expect((await send(world.url, "GET", "/sessions", { authorization })).status).not.toBe(200);
    expect((await list()).freezes).toHaveLength(1);
  });

  test("has no route that thaws", async () => {
    await world.operator("POST", AGENT);
    for (const method of ["DELETE", "PUT", "PATCH"]) {
      const reply = await world.operator(method, AGENT);
      expect([method, reply.status >= 400]).toEqual([method, true]);
    }
    expect((await list()).freezes).toHaveLength(1);
  });

  test("the token's file is its owner's alone, and the comparison takes the same time for every token", () => {
    expect(statSync(world.tokenFile).mode & 0o777).toBe(0o600);
    const check = tokenCheck(new Secret("t".repeat(40)));
    // Digests have one length, so that timingSafeEqual throws for none.
    for (const [token, holds] of [
      ["t".repeat(40), true],
      ["t".repeat(39), false],
      ["t".repeat(41), false],
      ["", false],
      ["x".repeat(40), false],
      ["t".repeat(100_000), false],
    ] as const)
      expect(check(token)).toBe(holds);
    const source = readFileSync(`${import.meta.dirname}/../../src/adapters/key-files/key-files.ts`, "utf8");
    expect(source).toMatch(/return \(unverifiedToken\) => timingSafeEqual\(/);
  });

  test("of a broker without a token file is nobody", async () => {
    expect(tokenCheck(null)("")).toBe(false);
    const bare = await startTestBroker();
    const headers = { authorization: "Bearer undefined" };
    expect((await send(bare.url, "GET", "/v1/freezes", headers)).status).toBe(401);
    await bare.close();
  });
});

describe("a person", () => {
  test("freezes with a fresh passkey, whoever it is, and is named", async () => {
    expect((await freezeAs(owner, { kind: "agent", name: "billing-ci" }, "looks odd")).status).toBe(200);
    expect((await list()).freezes).toMatchObject([
      { kind: "agent", name: "billing-ci", by: "person", person: "orders-lead", reason: "looks odd" },
    ]);
  });

  test("thaws as an administrator who does not own it", async () => {
    await world.operator("POST", AGENT);
    const [byOwner, byPlatform] = [await thawAs(owner, AGENT), await thawAs(platform, AGENT)];
    expect([byOwner.status, byOwner.json["code"]]).toEqual([403, "not_an_administrator"]);
    expect([byPlatform.status, byPlatform.json]).toEqual([200, { state: "thawed" }]);
    expect((await ask(world)).status).toBe(200);
  });

  test("never thaws an agent of its own, administrator or not, nor a session of it", async () => {
    await editPolicy(world, "approvals.yaml", (text) =>
      text.replace("administrators: [platform]", "administrators: [platform, orders]"),
    );
    const id = ((await ask(world)).json["session"] as { readonly id: string }).id;
    for (const target of [AGENT, { kind: "session", name: id }]) {
      await world.operator("POST", target);
      const reply = await thawAs(owner, target);
      expect([reply.status, reply.json["code"]]).toEqual([403, "owner_cannot_approve"]);
    }
    // Nobody owns a template.
    await world.operator("POST", { kind: "template", name: "observe" });
    expect((await thawAs(owner, { kind: "template", name: "observe" })).status).toBe(200);
    await editPolicy(world, "approvals.yaml", (text) =>
      text.replace("administrators: [platform, orders]", "administrators: [platform]"),
    );
  });

  test("thaws everything with another administrator, and not alone", async () => {
    await world.operator("POST", ALL);
    expect((await thawAs(platform, ALL)).json).toEqual({ state: "first_key" });
    expect((await list()).freezes[0]?.first_key).toBe("platform-engineer");
    const again = await thawAs(platform, ALL);
    expect([again.status, again.json["code"]]).toEqual([409, "second_key_needed"]);
    expect((await ask(world)).json["code"]).toBe("frozen");
    expect((await thawAs(security, ALL)).json).toEqual({ state: "thawed" });
    expect((await ask(world)).status).toBe(200);
  });

  test("who thaws what is not frozen is told so", async () => {
    const reply = await thawAs(platform, { kind: "template", name: "observe" });
    expect([reply.status, reply.json["code"]]).toEqual([409, "not_frozen"]);
  });

  test.each<[string, (freeze: unknown) => object]>([
    ["a confirmation for another target", (confirmation) => ({ target: ALL, reason: "", confirmation })],
    [
      "a confirmation for a freeze on the route that thaws",
      (confirmation) => ({ target: AGENT, confirmation }),
    ],
  ])("case 44: %s is refused", async (title, bodyOf) => {
    const confirmation = await platform.confirmation("freeze agent orders-ci");
    const path = title.includes("thaws") ? "/v1/thaws" : "/v1/freezes/confirmed";
    const reply = await platform.post(path, bodyOf(confirmation));
    expect([reply.status, reply.json["code"]]).toEqual([403, "passkey_refused"]);
    expect((await list()).freezes).toEqual([]);
  });

  test("case 44: a confirmation is good once", async () => {
    const confirmation = await platform.confirmation("freeze agent orders-ci");
    const body = { target: AGENT, reason: "", confirmation };
    expect((await platform.post("/v1/freezes/confirmed", body)).status).toBe(200);
    await thawAs(security, AGENT);
    expect((await platform.post("/v1/freezes/confirmed", body)).status).toBe(403);
    expect((await list()).freezes).toEqual([]);
  });

  test.each<[string, string, object]>([
    ["no target", "/v1/freezes/confirmed", { reason: "" }],
    [
      "a target of another kind",
      "/v1/freezes/confirmed",
      { target: { kind: "role", name: "x" }, reason: "" },
    ],
    ["a field nobody knows", "/v1/freezes/confirmed", { target: AGENT, reason: "", quorum: 1 }],
    ["a name of everything", "/v1/thaws", { target: { kind: "all", name: "x" } }],
    ["a quorum", "/v1/thaws", { target: ALL, quorum: 1 }],
  ])("whose body has %s is refused", async (_title, path, body) => {
    const confirmation = await platform.confirmation("freeze agent orders-ci");
    const reply = await platform.post(path, { ...body, confirmation });
    expect([reply.status, reply.json["code"]]).toEqual([400, "invalid_request"]);
  });

  test("reads on every page that everything is frozen, and on none that something is", async () => {
    const said = /Everything is frozen since \d{4}-\d\d-\d\d \d\d:\d\d UTC/;
    const pages = ["/queue", "/sessions", "/policies", "/audit", "/people", "/passkeys"];
    await world.operator("POST", AGENT);
    for (const path of pages) expect((await platform.get(path)).text).not.toMatch(said);
    await world.operator("POST", ALL);
    for (const path of pages)
      expect([path, said.test((await platform.get(path)).text)]).toEqual([path, true]);
  });

  test("sees on the page what is frozen with its hostile reason inert, and what AWS did not take", async () => {
    await ask(world);
    await world.operator("POST", { ...AGENT, reason: '<img src=x onerror="alert(1)">\u202e' });
    const { text } = await platform.get("/sessions");
    expect(text).not.toContain("<img src=x");
    expect(text).toContain("&lt;img src=x");
    expect(text).toContain("Not taken: it is tried again");
    expect(text).toContain('data-ceremony="thaw" data-kind="agent" data-name="orders-ci"');
    expect((await owner.get("/sessions")).text).not.toContain('data-ceremony="thaw"');
  });
});
