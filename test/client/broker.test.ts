import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requestSession, type BrokerCall } from "../../src/client/broker.ts";
import { paragraph } from "../../src/client/refusal.ts";
import { ok } from "../../src/result.ts";
import { CANARY, fakeBroker, problem, REFUSAL, refuse, type FakeBroker } from "./fake-broker.ts";

let broker: FakeBroker;
beforeEach(async () => {
  broker = await fakeBroker();
});
afterEach(() => broker.close());

const request = {
  template: "staging-deploy",
  parameters: { stack: "orders-staging" },
  account: "111122223333",
  duration: "15m",
  task: { intent: "change", summary: "repair staging", id: "T-1" },
} as const;

function ask(changes: Partial<BrokerCall> = {}): BrokerCall {
  let keys = 0;
  return {
    url: new URL(broker.url),
    request,
    workloadToken: async () => ok(CANARY.workloadToken),
    newKey: () => `key-${(keys += 1)}`,
    wait: async () => undefined,
    ...changes,
  };
}

async function listen(server: Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

/** A port nothing listens on. */
async function deadUrl(): Promise<URL> {
  const server = createServer();
  const url = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}

const code = async (call: BrokerCall): Promise<string> => {
  const got = await requestSession(call);
  return got.ok ? "issued" : got.error.code;
};

describe("asking the broker", () => {
  test("the request arrives as it was made, under an Idempotency-Key, and the answer is a session", async () => {
    broker.lifetime = 900;
    const got = await requestSession(ask());
    expect(broker.asked).toEqual([{ request, idempotencyKey: "key-1" }]);
    expect(got.ok && got.value.reveal()).toEqual({
      secretAccessKey: CANARY.secretAccessKey,
      sessionToken: CANARY.sessionToken,
    });
    expect(got.ok && got.value.session.account).toBe("111122223333");
  });

  test("a session shows no secret when printed, inspected or serialised", async () => {
    const got = await requestSession(ask());
    expect(got.ok).toBe(true);
    const shown = [
      JSON.stringify(got),
      inspect(got, { depth: 9, showHidden: true }),
      Object.entries(got).join(),
    ].join();
    expect(shown).not.toContain("canary");
  });

  test("a base path in TWOKEY_URL is kept", async () => {
    const got = await requestSession(ask({ url: new URL(`${broker.url}/base`) }));
    expect(got.ok ? null : got.error.code).toBe("not_found");
  });

  test("a refusal carries the broker's code, reason and next step", async () => {
    refuse(broker);
    expect(await requestSession(ask())).toEqual({
      ok: false,
      error: { kind: "refused", code: REFUSAL.code, detail: REFUSAL.detail, next: REFUSAL.next },
    });
  });

  test("faults in the request are part of the reason", async () => {
    broker.instead = (response) => {
      problem(response, {
        status: 400,
        code: "invalid_request",
        detail: "The request is not valid.",
        errors: [{ at: "task.intent", problem: "must be observe" }],
      });
    };
    const got = await requestSession(ask());
    expect(got.ok ? "" : got.error.detail).toBe("The request is not valid. task.intent: must be observe.");
  });

  test("text from the broker cannot steer a terminal", async () => {
    broker.instead = (response) => {
      problem(response, { status: 403, code: "no", detail: "a\u001b[2Jb\u202ec\nd", next: "e\u0007f" });
    };
    const got = await requestSession(ask());
    expect(got.ok ? "" : paragraph(got.error)).toBe("twokey: a [2Jb c d (no) Next: e f");
  });

  test("a 5xx may work later, a 4xx will not by itself, and neither is asked twice", async () => {
    for (const [status, kind] of [
      [503, "unavailable"],
      [429, "unavailable"],
      [409, "refused"],
    ] as const) {
      broker.instead = (response) => {
        problem(response, { status, code: "sts_unknown", detail: "No." });
      };
      const got = await requestSession(ask());
      expect(got.ok ? null : got.error.kind).toBe(kind);
    }
    expect(broker.asked).toHaveLength(3);
  });

  test("a proxy's page instead of a problem is told by its status", async () => {
    broker.instead = (response) => response.writeHead(502).end("<html>");
    expect(await code(ask())).toBe("broker_error");
  });

  test("a redirect is refused and the token goes nowhere else", async () => {
    let reached = 0;
    const elsewhere = createServer((_request, response) => {
      reached += 1;
      response.end();
    });
    const target = await listen(elsewhere);
    broker.instead = (response) => response.writeHead(307, { location: target.href }).end();
    expect(await code(ask())).toBe("broker_redirected");
    expect(reached).toBe(0);
    await new Promise((resolve) => elsewhere.close(resolve));
  });

  test.each([
    ["nothing of a session", {}],
    ["a line break in a credential", { secret_access_key: "a\nb" }],
    ["no expiry", { expiration: "soon" }],
  ])("an answer with %s is not a session", async (_name, wrong) => {
    broker.instead = (response) => {
      const credentials = {
        access_key_id: "A",
        secret_access_key: "s",
        session_token: "t",
        expiration: "2026-01-01T00:00:00Z",
      };
      const session = {
        id: "tks-a",
        template: "observe",
        account: "111122223333",
        region: "us-east-1",
        may: "",
      };
      const body =
        Object.keys(wrong).length === 0 ? {} : { credentials: { ...credentials, ...wrong }, session };
      response.writeHead(200).end(JSON.stringify(body));
    };
    expect(await code(ask())).toBe("broker_unreadable");
  });

  test("a refused connection is tried again, each time with a new key", async () => {
    const keys: string[] = [];
    const waits: number[] = [];
    const call = ask({ url: await deadUrl() });
    const got = await requestSession({
      ...call,
      newKey: () => {
        const key = call.newKey();
        keys.push(key);
        return key;
      },
      wait: async (ms) => {
        waits.push(ms);
      },
    });
    expect(got.ok ? null : got.error.code).toBe("broker_unreachable");
    expect(keys).toEqual(["key-1", "key-2", "key-3"]);
    expect(waits).toEqual([250, 1000]);
  });

  test("a connection that breaks after the request is not tried again: a session may exist", async () => {
    let connections = 0;
    const server = createTcpServer((socket) => {
      connections += 1;
      socket.once("data", () => socket.destroy());
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await code(ask({ url }))).toBe("broker_silent");
    expect(connections).toBe(1);
    await new Promise((resolve) => server.close(resolve));
  });

  test("a broker that never answers is given up on, and not asked again", async () => {
    broker.instead = () => undefined;
    expect(await code(ask({ timeoutMs: 50 }))).toBe("broker_silent");
    expect(broker.asked).toHaveLength(1);
  });

  test("an answer without end is given up on", async () => {
    broker.instead = (response) => {
      response.writeHead(200);
      response.write("x".repeat(300 * 1024));
    };
    expect(await code(ask())).toBe("broker_silent");
  });
});
