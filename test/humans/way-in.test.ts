/** Bootstrap, invitations, passkeys, sign-in and sign-out, over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  anEscalation,
  Browser,
  editPolicy,
  firstAdministrator,
  invited,
  startWorld,
  type World,
} from "./world.ts";
import { softwarePasskey } from "../../src/cli/demo/software-passkey.ts";
import { send } from "../support/test-broker.ts";

let world: World;
let administrator: Browser;
let second: Browser;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

describe("case 48: no first-visitor admin: a bootstrap token is needed", () => {
  test("case 48: the first visitor is sent to sign in, and is given nothing", async () => {
    const visitor = new Browser(world);
    expect((await visitor.get("/queue")).headers.location).toBe("/sign-in?next=%2Fqueue");
    const guess = { token: "a".repeat(32), person: "platform-engineer" };
    expect((await visitor.post("/v1/bootstrap", guess)).json["code"]).toBe("bootstrap_refused");
    expect((await visitor.post("/v1/invitations/accept", { token: "guess" })).json["code"]).toBe(
      "invitation_refused",
    );
    expect(visitor.cookies.size).toBe(0);
  });

  test("case 48: the token is printed, has 160 bits and lets in an administrator only", async () => {
    expect(world.bootstrapToken).toMatch(/^[a-z2-7]{32}$/);
    const asked = { token: world.bootstrapToken, person: "orders-lead" };
    expect((await new Browser(world).post("/v1/bootstrap", asked)).status).toBe(403);
  });

  test("case 48: it is good once, and never again once somebody has a passkey", async () => {
    administrator = await firstAdministrator(world);
    const again = { token: world.bootstrapToken, person: "platform-engineer" };
    expect((await new Browser(world).post("/v1/bootstrap", again)).json["code"]).toBe("bootstrap_refused");
    expect((await new Browser(world).get("/bootstrap")).status).toBe(403);
  });

  test("case 48: encoded and doubled slashes and a query open no page", async () => {
    for (const path of [
      "//queue",
      "/%71ueue",
      "/queue/..%2fqueue",
      "/queue?person=platform-engineer",
      "/./queue",
    ]) {
      const reply = await send(world.url, "GET", path);
      expect([302, 404]).toContain(reply.status);
      if (reply.status === 302) expect(reply.headers.location).toMatch(/^\/sign-in\?next=/);
    }
  });

  test("case 48: the token is in no line of the log", () => {
    expect(world.log.join("")).not.toContain(world.bootstrapToken);
  });
});

describe("an invitation", () => {
  test("by an administrator lets a person enrol one passkey, which signs in", async () => {
    second = await invited(administrator, "security-engineer");
    expect((await second.get("/queue")).status).toBe(200);
    const later = new Browser(world, second.passkey);
    await later.signIn();
    expect((await later.get("/passkeys")).text).toContain("work laptop");
  });

  test("is good for one passkey", async () => {
    const confirmation = await administrator.confirmation("invite orders-lead");
    const { url } = await administrator.done<{ url: string }>("/v1/invitations", {
      person: "orders-lead",
      confirmation,
    });
    const [one, two] = [new Browser(world), new Browser(world)];
    await one.accept(url);
    await two.accept(url);
    expect((await one.enrol()).status).toBe(200);
    expect((await two.enrol()).json["code"]).toBe("invitation_refused");
    const late = await new Browser(world).post("/v1/invitations/accept", {
      token: new URL(url).hash.slice(1),
    });
    expect(late.json["code"]).toBe("invitation_refused");
  });

  test("shows its passkey page and opens nothing else", async () => {
    const confirmation = await administrator.confirmation("invite orders-lead");
    const { url } = await administrator.done<{ url: string }>("/v1/invitations", {
      person: "orders-lead",
      confirmation,
    });
    const browser = new Browser(world);
    await browser.accept(url);
    expect((await browser.get("/passkeys")).status).toBe(200);
    expect((await browser.get("/queue")).headers.location).toMatch(/^\/sign-in/);
    expect((await browser.get("/events")).status).toBe(401);
    const { id, digest } = await anEscalation(world);
    const asked = await browser.post("/v1/decisions/options", { escalation: id, digest, verdict: "deny" });
    expect(asked.status).toBe(401);
  });

  test("is made by an administrator, for a person of people.yaml, and is what the passkey confirmed", async () => {
    const orders = await invited(administrator, "orders-lead");
    const own = await orders.confirmation("invite security-engineer");
    const refused = await orders.post("/v1/invitations", { person: "security-engineer", confirmation: own });
    expect(refused.json["code"]).toBe("not_an_administrator");
    const nobody = await administrator.confirmation("invite nobody");
    expect(
      (await administrator.post("/v1/invitations", { person: "nobody", confirmation: nobody })).status,
    ).toBe(400);
    const other = await administrator.confirmation("invite orders-lead");
    const swapped = await administrator.post("/v1/invitations", {
      person: "security-engineer",
      confirmation: other,
    });
    expect(swapped.json["code"]).toBe("passkey_refused");
  });
});

describe("a confirmation", () => {
  test("by another person's passkey is refused", async () => {
    const thief = new Browser(world, second.passkey);
    thief.cookies = new Map(administrator.cookies);
    const confirmation = await thief.confirmation("invite orders-lead");
    const reply = await thief.post("/v1/invitations", { person: "orders-lead", confirmation });
    expect(reply.json["code"]).toBe("passkey_refused");
  });

  test("is good once", async () => {
    const confirmation = await administrator.confirmation("invite orders-lead");
    const body = { person: "orders-lead", confirmation };
    expect((await administrator.post("/v1/invitations", body)).status).toBe(200);
    expect((await administrator.post("/v1/invitations", body)).json["code"]).toBe("passkey_refused");
  });

  test("is for an action there is", async () => {
    for (const action of ["", "approve", "invite", "invite a b", "invite orders-lead\n", "enrol "]) {
      expect((await administrator.post("/v1/confirmations", { action })).status).toBe(400);
    }
  });
});

describe("a further passkey", () => {
  test("needs an existing one's confirmation", async () => {
    const more = new Browser(world, softwarePasskey());
    more.cookies = new Map(second.cookies);
    expect((await more.enrol()).json["code"]).toBe("passkey_refused");
    expect((await more.enrol(await second.confirmation("enrol"), "phone")).status).toBe(200);
    const later = new Browser(world, more.passkey);
    await later.signIn();
    expect((await later.get("/queue")).status).toBe(200);
  });

  test("has a label of 1 to 60 characters, none of them a control character", async () => {
    for (const label of ["", "   ", "x".repeat(61), "a\u0000b", "a\nb"]) {
      const more = new Browser(world, softwarePasskey());
      more.cookies = new Map(second.cookies);
      expect((await more.enrol(await second.confirmation("enrol"), label)).status).toBe(400);
    }
  });

  test("that is removed signs nobody in any more", async () => {
    const more = new Browser(world, softwarePasskey());
    more.cookies = new Map(second.cookies);
    await more.enrol(await second.confirmation("enrol"), "lost phone");
    const credential_id = more.passkey.credentialId;
    const confirmation = await second.confirmation(`remove ${credential_id}`);
    expect((await second.post("/v1/passkeys/remove", { credential_id, confirmation })).status).toBe(200);
    await expect(new Browser(world, more.passkey).signIn()).rejects.toThrow("passkey_refused");
  });

  test("of somebody else is removed by administrators alone", async () => {
    const orders = await invited(administrator, "orders-lead");
    const credential_id = second.passkey.credentialId;
    const confirmation = await orders.confirmation(`remove ${credential_id}`);
    const refused = await orders.post("/v1/passkeys/remove", { credential_id, confirmation });
    expect(refused.json["code"]).toBe("not_an_administrator");
  });
});

describe("a sign-in", () => {
  test("is a cookie of this host alone, for https, out of scripts' reach", async () => {
    const browser = new Browser(world, administrator.passkey);
    const asked = await browser.done<{ nonce: string; publicKey: { challenge: string; rpId: string } }>(
      "/v1/sign-in/passkey/options",
      {},
    );
    const body = { nonce: asked.nonce, assertion: browser.assertion(asked.publicKey), next: "/audit?kind=x" };
    const reply = await browser.post("/v1/sign-in/passkey", body);
    expect(reply.json).toEqual({ next: "/audit?kind=x" });
    const [cookie] = reply.headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^__Host-twokey=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/);
    const replayed = await new Browser(world).post("/v1/sign-in/passkey", body);
    expect(replayed.json["code"]).toBe("passkey_refused");
  });

  test.each([
    "//evil.example",
    "/\\evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "/a\nb",
    "queue",
  ])("leads to no other site: %j", async (next) => {
    const browser = new Browser(world, administrator.passkey);
    const asked = await browser.done<{ nonce: string; publicKey: { challenge: string } }>(
      "/v1/sign-in/passkey/options",
      {},
    );
    const body = { nonce: asked.nonce, assertion: browser.assertion(asked.publicKey), next };
    expect((await browser.post("/v1/sign-in/passkey", body)).json).toEqual({ next: "/queue" });
    const page = await browser.get(`/sign-in?${new URLSearchParams({ next }).toString()}`);
    expect(page.text).toContain('data-next="/queue"');
  });

  test("ends when it is signed out, and the old cookie is nothing", async () => {
    const browser = new Browser(world, second.passkey);
    await browser.signIn();
    const old = browser.cookie;
    expect((await browser.post("/v1/sign-out", {})).json).toEqual({ next: "/sign-in" });
    expect(browser.cookies.size).toBe(0);
    expect((await send(world.url, "GET", "/queue", { cookie: old })).status).toBe(302);
  });

  test("of a person ends everywhere by an administrator", async () => {
    const orders = await invited(administrator, "orders-lead");
    const own = await orders.confirmation("sign-out platform-engineer");
    const refused = await orders.post("/v1/people/sign-out", {
      person: "platform-engineer",
      confirmation: own,
    });
    expect(refused.json["code"]).toBe("not_an_administrator");
    const confirmation = await administrator.confirmation("sign-out orders-lead");
    const reply = await administrator.post("/v1/people/sign-out", { person: "orders-lead", confirmation });
    expect(reply.status).toBe(200);
    expect((await orders.get("/queue")).status).toBe(302);
  });

  test("shows nothing any more once people.yaml does not know the account", async () => {
    const orders = await invited(administrator, "orders-lead");
    const gone = "      - issuer: twokey:invited\n        subject: orders-lead\n";
    await editPolicy(world, "people.yaml", (text) => text.replace(gone, ""));
    const refused = await orders.get("/queue");
    expect(refused.status).toBe(403);
    await expect(new Browser(world, orders.passkey).signIn()).rejects.toThrow("not_a_person");
    await editPolicy(world, "people.yaml", (text) =>
      text.replace("        subject: orders-lead\n", `        subject: orders-lead\n${gone}`),
    );
  });
});

test("a passkey whose account became another person's signs nobody in", async () => {
  const orders = await invited(administrator, "orders-lead");
  const line = (person: string): string => `      - issuer: twokey:invited\n        subject: ${person}\n`;
  const [lead, other] = [line("orders-lead"), line("platform-engineer")];
  await editPolicy(world, "people.yaml", (text) => text.replace(lead, "").replace(other, other + lead));
  await expect(new Browser(world, orders.passkey).signIn()).rejects.toThrow("passkey_refused");
});

test("every refusal of a person is on record with its exact reason", async () => {
  const entries = await world.broker.audit.entries({ from: 0, limit: 1000 });
  const refused = entries.filter((entry) => entry.kind === "human.refused");
  expect(refused.length).toBeGreaterThan(10);
  expect(refused.some(({ detail }) => /challenge is unknown, used, over/.test(detail.reason))).toBe(true);
});
