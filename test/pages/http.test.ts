/** Every page over real HTTP: it answers somebody who is signed in, and what it shows is inert. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { PAGE_ROUTES } from "../../src/http/page-routes.ts";
import { send, type Reply } from "../support/test-broker.ts";
import {
  anEscalation,
  firstAdministrator,
  invited,
  startWorld,
  type Browser,
  type World,
} from "../humans/world.ts";

let world: World;
let administrator: Browser;
let escalation: string;

beforeAll(async () => {
  world = await startWorld();
  administrator = await firstAdministrator(world);
  ({ id: escalation } = await anEscalation(world, { reason: "<script>alert(1)</script> \u202eevil" }));
}, 60_000);
afterAll(() => world.close());

/** A playground's form, as a browser posts it. */
const post = (path: string, fields: Readonly<Record<string, string>>): Promise<Reply> =>
  send(
    world.url,
    "POST",
    path,
    {
      origin: world.origin,
      cookie: administrator.cookie,
      "content-type": "application/x-www-form-urlencoded",
    },
    new URLSearchParams(fields).toString(),
  );

const TELLS: Readonly<Record<string, readonly string[]>> = {
  "GET /queue": ["Queue"],
  "GET /escalations/:id": ["orders-lead"],
  "GET /sessions": ["Sessions"],
  "GET /policies": ["production-stack-change", "2 different people of platform"],
  "GET /policies/:template": [
    "delete, overwrite and change items in any DynamoDB table",
    "name: data-repair",
    "an item of a staging table can be repaired",
  ],
  "POST /policies/:template/playground": ["explicitDeny"],
  "GET /audit": ["The broker started, version"],
  "GET /audit/escalations/:id": ["asks for escalation"],
  "GET /people": ["Security engineer on duty"],
  "GET /passkeys": ["work laptop"],
};

test("every page has its words here", () => {
  expect(PAGE_ROUTES.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    Object.keys(TELLS).sort(),
  );
});

test.each(PAGE_ROUTES.map(({ method, path }) => ({ method, path })))(
  "$method $path answers with its page",
  async ({ method, path }) => {
    const address = path.replace(":id", escalation).replace(":template", "data-repair");
    const asked = { parameters: '{"table":"orders"}', action: "dynamodb:DeleteItem" };
    const resource = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";
    const reply =
      method === "GET" ? await administrator.get(address) : await post(address, { ...asked, resource });
    expect([reply.status, reply.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    for (const words of TELLS[`${method} ${path}`] ?? ["no words"]) expect(reply.text).toContain(words);
    expect(reply.text).not.toContain("<script>alert");
    expect(reply.text).not.toContain("\u202e");
  },
);

test("people are administrators' business", async () => {
  const engineer = await invited(administrator, "orders-lead");
  const reply = await engineer.get("/people");
  expect(reply.status).toBe(403);
  expect(reply.text).not.toContain("security-engineer");
});

test.each(["/escalations/esc-none", "/audit/escalations/esc-none", "/policies/none", "/policies/__proto__"])(
  "%s is not there",
  async (path) => {
    expect((await administrator.get(path)).status).toBe(404);
  },
);

test("the playground writes nothing into the record", async () => {
  const before = await world.broker.audit.size();
  await post("/policies/observe/playground", { action: "s3:DeleteBucket", resource: "*" });
  expect(await world.broker.audit.size()).toBe(before);
});
