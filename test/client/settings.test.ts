import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { givenSettings, readSettings, SETTINGS } from "../../src/client/settings.ts";

const whole = {
  TWOKEY_URL: "https://twokey.example.com",
  TWOKEY_TEMPLATE: "observe",
  TWOKEY_INTENT: "observe",
  TWOKEY_TASK: "find out why orders are late",
};
const read = (flags: Record<string, string>, env: Record<string, string>) =>
  readSettings(givenSettings(flags, env));

describe("an agent's settings", () => {
  test("flags win over the environment, and an empty variable counts as not given", () => {
    const settings = read(
      { template: "staging-deploy" },
      { ...whole, TWOKEY_ACCOUNT: "", TWOKEY_DURATION: "900" },
    );
    expect(settings).toEqual({
      ok: true,
      value: {
        url: new URL("https://twokey.example.com"),
        request: {
          template: "staging-deploy",
          parameters: {},
          duration: 900,
          task: { intent: "observe", summary: "find out why orders are late" },
        },
        agentKey: null,
        workloadTokenFile: null,
      },
    });
  });

  test("every fault is reported at once, each naming its flag and its variable", () => {
    const settings = read(
      {},
      { TWOKEY_URL: "http://twokey.example.com", TWOKEY_ACCOUNT: "12", TWOKEY_PARAMETERS: "x" },
    );
    const faults = settings.ok ? [] : settings.error;
    expect(faults).toHaveLength(6);
    for (const variable of ["URL", "TEMPLATE", "INTENT", "TASK", "ACCOUNT", "PARAMETERS"])
      expect(faults.filter((fault) => fault.includes(`TWOKEY_${variable}`))).toHaveLength(1);
  });

  test("a key given twice has two values", () => {
    const settings = read({}, { ...whole, TWOKEY_PARAMETERS: "table=orders,stack=a,stack=b=c" });
    expect(settings.ok && settings.value.request.parameters).toEqual({
      table: "orders",
      stack: ["a", "b=c"],
    });
  });

  test.each([
    "https://twokey.example.com/base",
    "http://127.0.0.1:8080",
    "http://localhost:1",
    "http://[::1]:1",
  ])("%s may be asked", (url) => {
    expect(read({ url }, whole).ok).toBe(true);
  });

  test.each([
    "http://twokey.example.com",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://10.0.0.1",
    "http://[::ffff:10.0.0.1]",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "https://user:word@twokey.example.com",
    "twokey.example.com",
  ])("%s may not: a token would be readable, or sent to who knows what", (url) => {
    expect(read({ url }, whole).ok).toBe(false);
  });

  test.each(Object.values(SETTINGS))("docs/agents.md names --$flag and $env", ({ flag, env }) => {
    const docs = readFileSync(new URL("../../docs/agents.md", import.meta.url), "utf8");
    expect(docs).toContain(`| \`--${flag}\` | \`${env}\` |`);
  });
});
