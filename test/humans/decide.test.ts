/** Decisions over HTTP: what a passkey must have signed, and that nothing else moves an escalation. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Misbehaviour } from "../../src/cli/demo/software-passkey.ts";
import { ROUTES } from "../../src/http/routes.ts";
import { ACTIONS } from "../../src/http/human-routes.ts";
import { PAGE_ROUTES } from "../../src/http/page-routes.ts";
import { send } from "../support/test-broker.ts";
import { anEscalation, Browser, firstAdministrator, invited, startWorld, type World } from "./world.ts";

let world: World;
let administrator: Browser;
let second: Browser;
let owner: Browser;

beforeAll(async () => {
  world = await startWorld();
  administrator = await firstAdministrator(world);
  second = await invited(administrator, "security-engineer");
  owner = await invited(administrator, "orders-lead");
});
afterAll(() => world.close());

const stateOf = async (id: string) => (await world.broker.audit.escalations.find(id))?.state;
const decisionsOf = async (id: string) => (await world.broker.audit.escalations.find(id))?.decisions;

describe("a decision", () => {
  test("by two people with their passkeys approves, and says how far it is", async () => {
    const escalation = await anEscalation(world);
    const first = await administrator.post(
      "/v1/decisions",
      await administrator.decision(escalation, "approve"),
    );
    expect(first.json).toEqual({ state: "pending", approvals: 1, quorum: 2 });
    const last = await second.post("/v1/decisions", await second.decision(escalation, "approve"));
    expect(last.json).toEqual({ state: "approved", approvals: 2, quorum: 2 });
  });

  test("of one person denies, with a reason", async () => {
    const escalation = await anEscalation(world);
    const silent = { ...(await second.decision(escalation, "deny")), reason: undefined };
    expect((await second.post("/v1/decisions", silent)).status).toBe(400);
    const denied = await second.post("/v1/decisions", await second.decision(escalation, "deny"));
    expect(denied.json["state"]).toBe("denied");
  });

  test("case 28: the agent's owner approves and is refused", async () => {
    const escalation = await anEscalation(world);
    const reply = await owner.post("/v1/decisions", await owner.decision(escalation, "approve"));
    expect([reply.status, reply.json["code"]]).toEqual([403, "owner_cannot_approve"]);
    expect(await decisionsOf(escalation.id)).toEqual([]);
  });

  test("case 37: an assertion for request A on request B is refused", async () => {
    const [a, b] = [await anEscalation(world), await anEscalation(world)];
    const forA = await administrator.decision(a, "approve");
    const forB = await administrator.decision(b, "approve");
    const moved = await administrator.post("/v1/decisions", { ...forA, escalation: b.id });
    const swapped = await administrator.post("/v1/decisions", { ...forB, assertion: forA.assertion });
    expect([moved.status, swapped.status]).toEqual([403, 403]);
    expect(await decisionsOf(b.id)).toEqual([]);
  });

  test.each<[string, Misbehaviour]>([
    ["user verification false", { userVerified: false }],
    ["wrong origin", { origin: "https://twokey.example.org" }],
    ["wrong RP id", { rpId: "example.com" }],
  ])("case 47: %s is refused", async (_title, wrong) => {
    const escalation = await anEscalation(world);
    const body = await administrator.decision(escalation, "approve", wrong);
    const reply = await administrator.post("/v1/decisions", body);
    expect([reply.status, reply.json["code"]]).toEqual([403, "passkey_refused"]);
    expect(await decisionsOf(escalation.id)).toEqual([]);
  });

  test("case 47: replayed is refused", async () => {
    const escalation = await anEscalation(world);
    const body = await administrator.decision(escalation, "approve");
    expect((await administrator.post("/v1/decisions", body)).status).toBe(200);
    const again = await administrator.post("/v1/decisions", body);
    expect([again.status, again.json["code"]]).toEqual([403, "passkey_refused"]);
    expect(await decisionsOf(escalation.id)).toHaveLength(1);
  });

  test("case 47: another approver's key is refused", async () => {
    const escalation = await anEscalation(world);
    const thief = new Browser(world, second.passkey);
    thief.cookies = new Map(administrator.cookies);
    const reply = await thief.post("/v1/decisions", await thief.decision(escalation, "approve"));
    expect([reply.status, reply.json["code"]]).toEqual([403, "passkey_refused"]);
  });

  test("case 47: approve turned to deny, and deny to approve, is refused", async () => {
    const escalation = await anEscalation(world);
    const approve = await administrator.decision(escalation, "approve");
    const deny = await administrator.decision(escalation, "deny");
    const turned = [
      { ...approve, verdict: "deny", reason: "x" },
      { ...deny, verdict: "approve" },
      { ...deny, assertion: approve.assertion },
    ];
    for (const body of turned) expect((await administrator.post("/v1/decisions", body)).status).toBe(403);
    expect(await decisionsOf(escalation.id)).toEqual([]);
  });

  test("is asked for by the digest the page showed", async () => {
    const { id } = await anEscalation(world);
    const body = { escalation: id, digest: "0".repeat(64), verdict: "approve" };
    expect((await administrator.post("/v1/decisions/options", body)).status).toBe(404);
  });
});

test("case 30: an agent token on the decision route is refused, and a cookie on an agent's route is nothing", async () => {
  const escalation = await anEscalation(world);
  const authorization = `Bearer ${await world.agent.token()}`;
  const body = await administrator.decision(escalation, "approve");
  const agent = await new Browser(world).post("/v1/decisions", body, { authorization });
  expect([agent.status, agent.json["code"]]).toEqual([401, "sign_in_required"]);
  const cancel = await administrator.post(`/v1/escalations/${escalation.id}/cancel`, {});
  expect([cancel.status, cancel.json["code"]]).toEqual([401, "invalid_token"]);
  expect(await stateOf(escalation.id)).toBe("pending");
});

describe("case 44: a full cookie jar of an approver, no fresh passkey", () => {
  test("case 44: every changing route is refused", async () => {
    const escalation = await anEscalation(world);
    const thief = new Browser(world);
    thief.cookies = new Map(administrator.cookies);
    const before = await world.broker.audit.size();
    const { nonce } = await thief.done<{ nonce: string }>("/v1/confirmations", { action: "enrol" });
    // Its own key answers what the approver's was asked.
    const forged = thief.passkey.get({ challenge: "eA" }, world.origin);
    const assertion = {
      ...forged,
      id: administrator.passkey.credentialId,
      rawId: administrator.passkey.credentialId,
    };
    const confirmation = { nonce, assertion };
    const credential_id = administrator.passkey.credentialId;
    const bodies: Readonly<Record<string, object>> = {
      "/v1/decisions": { escalation: escalation.id, verdict: "approve", ...confirmation },
      "/v1/passkeys/options": { confirmation },
      "/v1/passkeys": { nonce, registration: {}, label: "mine" },
      "/v1/passkeys/remove": { credential_id, confirmation },
      "/v1/invitations": { person: "orders-lead", confirmation },
      "/v1/people/sign-out": { person: "orders-lead", confirmation },
      "/v1/freezes/confirmed": { target: { kind: "all" }, reason: "", confirmation },
      "/v1/thaws": { target: { kind: "all" }, confirmation },
      "/v1/sign-in/passkey": confirmation,
    };
    for (const [path, body] of Object.entries(bodies)) {
      const reply = await thief.post(path, body);
      expect([path, reply.status]).toEqual([path, 403]);
    }
    expect((await thief.post("/v1/passkeys/options", {})).status).toBe(403);
    const entries = await world.broker.audit.entries({ from: before, limit: 100 });
    expect(new Set(entries.map(({ kind }) => kind))).toEqual(new Set(["human.refused"]));
    expect(await decisionsOf(escalation.id)).toEqual([]);
  });

  test("case 44: what is left changes nothing by itself", () => {
    const changing = [
      "/v1/decisions",
      "/v1/passkeys",
      "/v1/passkeys/remove",
      "/v1/invitations",
      "/v1/people/sign-out",
      "/v1/freezes/confirmed",
      "/v1/thaws",
    ];
    const asking = ["/v1/confirmations", "/v1/passkeys/options", "/v1/decisions/options"];
    const signedIn = ACTIONS.filter(({ caller }) => caller !== "anybody").map(({ path }) => path);
    expect(new Set(signedIn)).toEqual(new Set([...changing, ...asking]));
  });
});

describe("case 45: from anywhere but the site's own pages nothing changes", () => {
  test.each<[string, (origin: string) => Readonly<Record<string, string>>]>([
    ["a foreign Origin", () => ({ origin: "https://evil.example" })],
    ["no Origin", () => ({})],
    ["the Origin null", () => ({ origin: "null" })],
    ["the site's origin as a prefix", (origin) => ({ origin: `${origin}.evil.example` })],
    ["Sec-Fetch-Site: cross-site", (origin) => ({ origin, "sec-fetch-site": "cross-site" })],
    ["Sec-Fetch-Site: same-site", (origin) => ({ origin, "sec-fetch-site": "same-site" })],
    ["Sec-Fetch-Site: none", (origin) => ({ origin, "sec-fetch-site": "none" })],
  ])("case 45: %s", async (_title, from) => {
    const escalation = await anEscalation(world);
    const body = await administrator.decision(escalation, "deny");
    const headers = { cookie: administrator.cookie, "content-type": "application/json" };
    for (const { path } of ACTIONS) {
      const all = { ...headers, ...from(world.origin) };
      const reply = await send(world.url, "POST", path, all, JSON.stringify(body));
      expect([path, reply.status, reply.json["code"]]).toEqual([path, 403, "cross_site"]);
      expect(reply.headers["set-cookie"]).toBeUndefined();
    }
    expect(await stateOf(escalation.id)).toBe("pending");
    // The same words from our own page count.
    expect((await administrator.post("/v1/decisions", body)).status).toBe(200);
  });

  test("case 45: a form's content types are refused", async () => {
    const escalation = await anEscalation(world);
    const body = await administrator.decision(escalation, "deny");
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      expect((await administrator.post("/v1/decisions", body, { "content-type": type })).status).toBe(415);
    }
    expect(await stateOf(escalation.id)).toBe("pending");
  });

  test("case 45: a GET link changes nothing", async () => {
    const escalation = await anEscalation(world);
    const before = await world.broker.audit.size();
    for (const { path } of ACTIONS) {
      const reply = await administrator.get(`${path}?escalation=${escalation.id}&verdict=approve`);
      expect([path, reply.status]).toEqual([path, 404]);
    }
    for (const { path, method } of PAGE_ROUTES) {
      if (method === "GET")
        await administrator.get(
          `${path.replace(":id", escalation.id).replace(":template", "observe")}?verdict=approve`,
        );
    }
    expect(await world.broker.audit.size()).toBe(before);
    expect(await stateOf(escalation.id)).toBe("pending");
  });

  test("case 45: the playground takes forms of our own pages only", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded", cookie: administrator.cookie };
    const foreign = { ...headers, origin: "https://evil.example" };
    expect((await send(world.url, "POST", "/policies/observe/playground", foreign, "")).status).toBe(403);
    const own = { ...headers, origin: world.origin };
    expect((await send(world.url, "POST", "/policies/observe/playground", own, "")).status).toBe(200);
  });
});

test("the routes that stop and start: an operator freezes, a person freezes and thaws, and nobody else does either", () => {
  const posts = [
    ...ROUTES.filter(({ method }) => method === "POST").map(({ path, caller }) => `${path} ${caller}`),
    ...PAGE_ROUTES.filter(({ method }) => method === "POST").map(({ path, caller }) => `${path} ${caller}`),
    ...ACTIONS.map(({ path, caller }) => `${path} ${caller}`),
  ];
  expect(posts.filter((route) => /freeze|thaw|kill|stop/.test(route)).sort()).toEqual([
    "/v1/freezes operator",
    "/v1/freezes/confirmed person",
    "/v1/thaws person",
  ]);
});

test("case 43: exactly one route decides, and one more, the agent's own, cancels", () => {
  const posts = [
    ...ROUTES.filter(({ method }) => method === "POST").map(({ path }) => path),
    ...PAGE_ROUTES.filter(({ method }) => method === "POST").map(({ path }) => path),
    ...ACTIONS.map(({ path }) => path),
  ];
  const about = posts.filter((path) =>
    /decision|escalation|approve|deny|vote|slack|webhook|callback/.test(path),
  );
  expect(about.sort()).toEqual([
    "/v1/decisions",
    "/v1/decisions/options",
    "/v1/escalations",
    "/v1/escalations/:id/cancel",
  ]);
  // The table is the code's own; this is what its files call.
  const files = ["human-routes", "escalation-routes", "human", "ways-in", "page-routes", "routes"];
  const calling = files.filter((file) =>
    /decideEscalation\(/.test(readFileSync(`${import.meta.dirname}/../../src/http/${file}.ts`, "utf8")),
  );
  expect(calling).toEqual(["human-routes"]);
});
