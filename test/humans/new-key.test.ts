/** A passkey whose delay is not over decides nothing, and rules over nobody either. */
import { expect, test } from "vitest";
import { firstAdministrator, invited, startWorld, type Browser } from "./world.ts";

test("while an older key counts, a new one invites nobody, removes no key and signs nobody out", async () => {
  let now = new Date();
  const world = await startWorld((config) => ({ ...config, passkeyDelaySeconds: 3600 }), {
    clock: () => now,
  });
  const first = await firstAdministrator(world);
  // Nobody's key counts yet: a team must begin.
  const second = await invited(first, "security-engineer");
  const keys = await world.broker.audit.humans.passkeys({ person: null });
  const countsFrom = (browser: Browser): Date =>
    keys.find(({ credentialId }) => credentialId === browser.passkey.credentialId)?.countsFrom ??
    new Date(NaN);
  expect(countsFrom(second).getTime()).toBeGreaterThan(countsFrom(first).getTime());
  now = countsFrom(first);

  const { credentialId } = first.passkey;
  const deeds = [
    ["/v1/invitations", { person: "orders-lead" }, "invite orders-lead"],
    ["/v1/passkeys/remove", { credential_id: credentialId }, `remove ${credentialId}`],
    ["/v1/people/sign-out", { person: "platform-engineer" }, "sign-out platform-engineer"],
  ] as const;
  for (const [path, body, action] of deeds) {
    const confirmation = await second.confirmation(action);
    const refused = await second.post(path, { ...body, confirmation });
    expect([path, refused.json["code"]]).toEqual([path, "passkey_too_new"]);
  }
  expect((await world.broker.audit.humans.passkey(credentialId))?.removedAt).toBeNull();
  // The older one may, all the while.
  const confirmation = await first.confirmation("invite orders-lead");
  expect((await first.post("/v1/invitations", { person: "orders-lead", confirmation })).status).toBe(200);
  await world.close();
});
