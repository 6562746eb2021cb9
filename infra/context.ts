/**
 * What the deployment says of itself: the `twokey:…` context of cdk.json, or `-c name=value`. Read once; a fault ends the
 * synthesis with every fault. What is shipped are examples: they synthesise, and deploy nowhere.
 */
import type { App } from "aws-cdk-lib";
import * as z from "zod";

const accountId = z.string().regex(/^\d{12}$/, "twelve digits");
const place = z.strictObject({ account: accountId, region: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/) });

const broker = z.strictObject({
  ...place.shape,
  cidr: z.string(),
  internet_egress: z.boolean(),
  database_capacity: z.strictObject({ min: z.number(), max: z.number() }),
  audit_retention_days: z.int().min(1),
  image: z.string(),
  public_url: z.url({ protocol: /^https$/ }),
  certificate: z.string(),
  client_cidrs: z.array(z.string()).min(1),
  tasks: z.int().min(2),
  /** Outputs AlarmTopic of Watch, whose alarms the broker is to record. */
  watch_topics: z.array(z.string().startsWith("arn:")).default([]),
  /** Settings of docs/configuration.md by their variable, and secret ones by the ARN of their secret. */
  settings: z.record(z.string(), z.string()).default({}),
  secret_settings: z.record(z.string(), z.string()).default({}),
});

const watch = z.strictObject({
  /** Output BrokerRoleId of the broker's data stack. */
  broker_role_id: z.string(),
  places: z.array(place).min(1),
});

const context = z.strictObject({
  policies: z.string().min(1),
  deployers: z.array(z.string().startsWith("arn:")).min(1),
  /** Null: the broker runs elsewhere, and no stack is made for it. */
  broker: broker.nullable(),
  /** Null: no Watch. */
  watch: watch.nullable(),
});

const PREFIX = "twokey:";

export type Context = z.output<typeof context>;

export function readContext(app: App): Context {
  const given = Object.entries(app.node.getAllContext() as Readonly<Record<string, unknown>>)
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, value]) => [
      name.slice(PREFIX.length),
      // `-c` gives text.
      typeof value === "string" && /^[[{]|^null$/.test(value) ? (JSON.parse(value) as unknown) : value,
    ]);
  // A name nobody knows, or one that is not there, is a fault: a misspelt one would leave a stack out unseen.
  const parsed = context.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `twokey:${path.join(".")}: ${message}`);
  throw new Error(`the context has faults:\n${faults.join("\n")}`);
}
