/** What the deployment says of itself: what is shipped is read, and what is misspelt or missing leaves no stack out unseen. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readContext } from "../../infra/context.ts";
import { plainApp } from "../../infra/plain-app.ts";

const { context: shipped } = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../cdk.json"), "utf8"),
) as { readonly context: Readonly<Record<string, unknown>> };

const read = (changes: Readonly<Record<string, unknown>>) =>
  readContext(plainApp({ context: { ...shipped, ...changes } }));

test("the shipped context is read", () => {
  expect(read({})).toMatchObject({ policies: "policies", broker: { tasks: 2 }, watch: { places: [{}] } });
});

test("null, also as the text that -c gives, leaves a part out", () => {
  expect(read({ "twokey:broker": "null" }).broker).toBeNull();
  expect(read({ "twokey:watch": "null" }).watch).toBeNull();
});

test("lists and objects may be given as JSON", () => {
  expect(read({ "twokey:deployers": '["arn:aws:iam::111122223333:role/x"]' }).deployers).toEqual([
    "arn:aws:iam::111122223333:role/x",
  ]);
});

test.each([
  ["a name that is not known", { "twokey:brokr": null }, "brokr"],
  [
    "one task, which is none while it is replaced",
    { "twokey:broker": { ...(shipped["twokey:broker"] as object), tasks: 1 } },
    "twokey:broker.tasks",
  ],
  [
    "an account that is none",
    {
      "twokey:watch": {
        broker_role_id: "AROAEXAMPLEEXAMPLE01",
        places: [{ account: "1", region: "us-east-1" }],
      },
    },
    "twokey:watch.places.0.account",
  ],
])("%s ends the synthesis", (_name, changes, says) => {
  expect(() => read(changes)).toThrow(says);
});

test("what is missing ends the synthesis", () => {
  const rest = Object.fromEntries(Object.entries(shipped).filter(([name]) => name !== "twokey:watch"));
  expect(() => readContext(plainApp({ context: rest }))).toThrow("twokey:watch");
});
