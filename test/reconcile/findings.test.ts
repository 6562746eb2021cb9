/** What reconciliation finds in the events of a local AWS: real SDKs, real stores, and what must never have happened. */
import { DeleteStackCommand, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { expect, test } from "vitest";
import type { CloudTrailEvent } from "../../src/local-aws/events.ts";
import { sessionTags } from "../../src/session/name.ts";
import { refusal } from "../local-aws/world.ts";
import { onEveryEngine, type Opened } from "../store/engines.ts";
import {
  ADMIN,
  fileOf,
  kindsOf,
  OPERATOR,
  STRANGER,
  trailWorld,
  TWOKEY,
  type Keys,
  type TrailWorld,
} from "./world.ts";

const describeStacks = (world: TrailWorld, keys: Keys) =>
  world.cloudformation(keys).send(new DescribeStacksCommand({}));
const deleteStack = (world: TrailWorld, keys: Keys, StackName: string) =>
  world.cloudformation(keys).send(new DeleteStackCommand({ StackName }));

const identityTags = (id: string) => {
  const tags = sessionTags(id, null);
  return {
    Tags: tags.map(({ key, value }) => ({ Key: key, Value: value })),
    TransitiveTagKeys: tags.map(({ key }) => key),
  };
};

onEveryEngine("reconciliation", (opened: Opened) => {
  const start = () => trailWorld(opened.log);

  test("each session is shown with what it did, what AWS denied and what failed, when and on what", async () => {
    const world = await start();
    const { session, keys } = await world.mint({
      task: { id: null, intent: "destroy", summary: "clean up" },
    });
    await describeStacks(world, keys);
    world.advance(60);
    await refusal(deleteStack(world, keys, "orders-production"));
    await deleteStack(world, keys, "orders-staging");
    await refusal(world.cloudformation(keys).send(new DescribeStacksCommand({ StackName: "none" })));
    const found = await world.reconcile();
    expect(kindsOf(found)).toEqual([]);
    const times = world.events().map(({ eventTime }) => new Date(eventTime));
    expect(found.events).toMatchObject({ read: 5, counted: 5, repeated: 0, first: times[0], last: times[4] });
    const stack = (name: string): string => `arn:aws:cloudformation:us-east-1:111122223333:stack/${name}/*`;
    expect(found.sessions).toMatchObject([
      {
        session: { session: { id: session.id }, state: "issued" },
        ...{ first: times[1], last: times[4], count: 4, denied: 1, failed: 1 },
        actions: [
          {
            action: "cloudformation:DescribeStacks",
            count: 2,
            denied: 0,
            failed: 1,
            resources: [stack("none")],
          },
          {
            action: "cloudformation:DeleteStack",
            ...{ count: 2, denied: 1, failed: 0 },
            resources: [stack("orders-production"), stack("orders-staging")],
          },
        ],
      },
    ]);
  });

  test("an AI role that was assumed for no session of the record is an alarm, and so is every call of it", async () => {
    const world = await start();
    await world.mint();
    await describeStacks(world, await world.assume({ SourceIdentity: "tks-invented" }));
    await describeStacks(world, await world.assume());
    const found = await world.reconcile();
    const stranger = { role: OPERATOR, caller: STRANGER, outcome: "done" };
    expect(found.findings).toMatchObject([
      {
        kind: "assumed_without_session",
        level: "alarm",
        about: { ...stranger, sourceIdentity: "tks-invented" },
      },
      {
        kind: "unknown_source_identity",
        level: "alarm",
        about: { role: OPERATOR, sourceIdentity: "tks-invented" },
      },
      { kind: "assumed_without_session", level: "alarm", about: { ...stranger, sourceIdentity: null } },
      { kind: "unknown_source_identity", level: "alarm", about: { role: OPERATOR, sourceIdentity: null } },
    ]);
    expect(found.sessions).toEqual([]);
  });

  test("what is done with a role that is none of the AI's, by nobody of ours, is nobody's concern", async () => {
    const world = await start();
    await describeStacks(world, await world.assume({ RoleArn: ADMIN, SourceIdentity: "alice" }));
    expect(await world.reconcile()).toMatchObject({
      findings: [],
      sessions: [],
      events: { read: 2, counted: 0 },
    });
  });

  test("a refused call of STS is an alarm unless its caller is proved to be Twokey", async () => {
    const refused = (caller: string): object => ({
      ...{
        eventID: `refused-${caller}`,
        eventTime: "2026-03-01T10:00:00Z",
        eventSource: "sts.amazonaws.com",
      },
      ...{ eventName: "AssumeRole", awsRegion: "us-east-1", recipientAccountId: "111122223333" },
      userIdentity: { type: "IAMUser", arn: caller, principalId: "AIDAOTHER" },
      ...{ errorCode: "AccessDenied", requestParameters: null, responseElements: null },
      errorMessage: `User: ${caller} is not authorized to perform: sts:AssumeRole on resource: ${OPERATOR}`,
    });
    const world = await start();
    await world.mint();
    const both = [refused(TWOKEY), refused(STRANGER)];
    const proved = await world.reconcile({ text: fileOf([...world.events(), ...both]) });
    expect(proved.findings).toMatchObject([
      {
        kind: "assumed_without_session",
        level: "alarm",
        about: { caller: STRANGER, outcome: "AccessDenied" },
      },
    ]);
    const unproved = await world.reconcile({ text: fileOf(both) });
    expect(kindsOf(unproved)).toEqual(["notice assumed_without_session", "notice assumed_without_session"]);
  });

  test("whoever takes a session's name for a second call of STS is an alarm, with every use of the other key", async () => {
    const world = await start();
    const { session } = await world.mint();
    const theirs = await world.assume({ SourceIdentity: session.id, ...identityTags(session.id) });
    await describeStacks(world, theirs);
    const found = await world.reconcile();
    expect(new Set(kindsOf(found))).toEqual(
      new Set([
        "alarm asked_more_than_once",
        "alarm issued_key_differs",
        "alarm other_caller",
        "alarm key_differs",
      ]),
    );
    const differs = found.findings.find(({ kind }) => kind === "key_differs");
    expect(differs).toMatchObject({
      session: session.id,
      about: { accessKeyId: theirs.accessKeyId, keyOf: null },
    });
    expect(found.findings.find(({ kind }) => kind === "other_caller")?.about).toEqual({ caller: STRANGER });
  });

  test("a session of unknown outcome that somebody else asked for is an alarm, and not settled by it", async () => {
    const world = await start();
    await world.mint();
    const { session } = await world.mint({}, { record: "unknown", asked: false });
    await world.assume({ SourceIdentity: session.id, ...identityTags(session.id) });
    const found = await world.reconcile();
    expect(kindsOf(found)).toEqual(["alarm other_caller"]);
    expect(found.settled.filter((one) => one.session.id === session.id)).toEqual([]);
    expect(found.open.find((one) => one.session.id === session.id)?.reason).toMatch(/not surely Twokey's/);
  });

  test.each([
    ["no tags", {}, "none"],
    [
      "another tag",
      { Tags: [{ Key: "twokey:principal", Value: "human" }] },
      "twokey:principal=human; transitive ",
    ],
  ])("a call of STS for a session with %s is an alarm", async (_what, input, seen) => {
    const world = await start();
    const { session } = await world.mint({}, { record: "unknown", asked: false });
    await world.assume({ SourceIdentity: session.id, ...input });
    const found = await world.reconcile();
    expect(found.findings.filter(({ level }) => level === "alarm")).toMatchObject([
      { kind: "wrong_tags", session: session.id, about: { seen } },
    ]);
  });

  test("tags that are right but not transitive are wrong: they would not follow the session", async () => {
    const world = await start();
    const { session } = await world.mint({}, { record: "unknown", asked: false });
    await world.assume({ SourceIdentity: session.id, Tags: identityTags(session.id).Tags });
    expect(kindsOf(await world.reconcile())).toContain("alarm wrong_tags");
  });

  test("a session that STS issued although the record says that it failed is an alarm, and its use another", async () => {
    const world = await start();
    await world.mint();
    const { session, keys } = await world.mint({}, { record: "failed" });
    await describeStacks(world, keys);
    const found = await world.reconcile();
    expect(found.findings).toMatchObject([
      { kind: "outcome_differs", session: session.id, about: { recorded: "failed" } },
      { kind: "used_undelivered", session: session.id, about: { recorded: "failed" } },
    ]);
  });

  test("the use of a session that was never delivered is an alarm", async () => {
    const world = await start();
    const { session, keys } = await world.mint({}, { record: "unknown" });
    await describeStacks(world, keys);
    const found = await world.reconcile();
    expect(kindsOf(found)).toContain("alarm used_undelivered");
    expect(found.sessions.map((one) => one.session.session.id)).toEqual([session.id]);
  });

  test("a session's name with another session's key is an alarm that names both", async () => {
    const world = await start();
    const [one, other] = [await world.mint(), await world.mint()];
    await describeStacks(world, one.keys);
    const swapped = withCaller(world.events(), (context) => ({
      ...context,
      sourceIdentity: other.session.id,
    }));
    const found = await world.reconcile({ text: fileOf(swapped) });
    expect(found.findings).toMatchObject([
      { kind: "key_differs", level: "alarm", session: other.session.id, about: { keyOf: one.session.id } },
    ]);
  });

  test("a known key under a name that nobody has is an alarm that names its session", async () => {
    const world = await start();
    const { session, keys } = await world.mint();
    await describeStacks(world, keys);
    const renamed = withCaller(world.events(), (context) => ({ ...context, sourceIdentity: "tks-nobody" }));
    const found = await world.reconcile({ text: fileOf(renamed) });
    expect(found.findings).toMatchObject([
      {
        kind: "unknown_source_identity",
        level: "alarm",
        about: { sourceIdentity: "tks-nobody", keyOf: session.id },
      },
    ]);
  });

  test("an event without a source identity is the session's whose key it shows, and said to lack it", async () => {
    const world = await start();
    const { session, keys } = await world.mint();
    await describeStacks(world, keys);
    const bare = withCaller(world.events(), (context) => ({ ...context, sourceIdentity: undefined }));
    const found = await world.reconcile({ text: fileOf(bare) });
    expect(kindsOf(found)).toEqual(["notice no_source_identity"]);
    expect(found.sessions).toMatchObject([{ session: { session: { id: session.id } }, count: 1 }]);
  });

  test("a session that became another role is an alarm: its source identity goes with it", async () => {
    const world = await start();
    const { session, keys } = await world.mint({ task: { id: null, intent: "destroy", summary: "" } });
    await describeStacks(world, await world.assume({ RoleArn: ADMIN, RoleSessionName: "hop" }, keys));
    const found = await world.reconcile();
    expect(found.findings.filter(({ level }) => level === "alarm")).toMatchObject([
      { kind: "other_role_assumed", session: session.id, about: { role: ADMIN } },
      { kind: "key_differs", session: session.id },
      { kind: "under_another_role", session: session.id, about: { role: ADMIN } },
    ]);
  });

  test("a call after the freeze is an alarm; one that AWS denied shows that the freeze holds", async () => {
    const world = await start();
    const { session, keys } = await world.mint({ task: { id: null, intent: "destroy", summary: "" } });
    await describeStacks(world, keys);
    await opened.db.query("UPDATE sessions SET frozen_at = $2 WHERE id = $1", [
      session.id,
      world.now().toISOString(),
    ]);
    world.advance(5);
    await describeStacks(world, keys);
    await refusal(deleteStack(world, keys, "orders-production"));
    const found = await world.reconcile();
    expect(found.findings).toMatchObject([
      {
        kind: "used_after_freeze",
        level: "alarm",
        about: { action: "cloudformation:DescribeStacks" },
        count: 1,
      },
      { kind: "used_after_freeze", level: "notice", about: { outcome: "AccessDenied" }, count: 1 },
    ]);
  });

  test("a call after the session's end is an alarm, unless a service goes on with what it was told", async () => {
    const world = await start();
    const expiresAt = new Date(world.now().getTime() - 60_000);
    const { keys } = await world.mint({}, { outcome: { expiresAt } });
    await describeStacks(world, keys);
    expect(kindsOf(await world.reconcile())).toEqual(["alarm used_after_end"]);
    const forwarded = world.events().map((event) =>
      event.eventName === "AssumeRole"
        ? event
        : {
            ...event,
            userIdentity: {
              ...event.userIdentity,
              accessKeyId: "ASIAOFTHESERVICE0000",
              invokedBy: "cloudformation.amazonaws.com",
            },
          },
    );
    expect(kindsOf(await world.reconcile({ text: fileOf(forwarded) }))).toEqual(["notice used_after_end"]);
  });

  test("a call outside the declared intent is an alarm where it was done, and a notice where AWS denied it", async () => {
    const world = await start();
    const { session, keys } = await world.mint({ task: { id: null, intent: "observe", summary: "look" } });
    await describeStacks(world, keys);
    await deleteStack(world, keys, "orders-staging");
    await refusal(deleteStack(world, keys, "orders-production"));
    const about = { action: "cloudformation:DeleteStack", intent: "destroy", declared: "observe" };
    expect((await world.reconcile()).findings).toMatchObject([
      { kind: "outside_intent", level: "alarm", session: session.id, about: { ...about, outcome: "done" } },
      {
        kind: "outside_intent",
        level: "notice",
        session: session.id,
        about: { ...about, outcome: "AccessDenied" },
      },
    ]);
  });

  test("an action that nobody published counts as a change; where CloudTrail says it reads, as a notice", async () => {
    const world = await start();
    const { keys } = await world.mint({ task: { id: null, intent: "observe", summary: "look" } });
    await describeStacks(world, keys);
    const named = (more: object) =>
      fileOf(
        world
          .events()
          .map((event) =>
            event.eventName === "AssumeRole" ? event : { ...event, eventName: "FrobStack", ...more },
          ),
      );
    const about = { action: "cloudformation:FrobStack", intent: "change", declared: "observe" };
    expect((await world.reconcile({ text: named({}) })).findings).toMatchObject([
      { kind: "outside_intent", level: "alarm", about },
    ]);
    expect((await world.reconcile({ text: named({ readOnly: true }) })).findings).toMatchObject([
      { level: "notice", about },
    ]);
  });

  test("an event that stands in two files counts once, and so do both accounts' copies of a call", async () => {
    const world = await start();
    const { keys } = await world.mint();
    await describeStacks(world, keys);
    const file = fileOf(world.events());
    const twice = await world.reconcile({ text: `${file}\n${file}` });
    expect(twice).toMatchObject({
      findings: [],
      events: { read: 4, counted: 2, repeated: 2 },
      sessions: [{ count: 1 }],
    });
    const shared = world.events().map((event) => ({ ...event, sharedEventID: `shared-${event.eventName}` }));
    const copies = shared.map((event) => ({ ...event, eventID: `copy-${event.eventID}` }));
    expect((await world.reconcile({ text: fileOf([...shared, ...copies]) })).findings).toEqual([]);
  });

  test("nothing is concluded where one event cannot be read", async () => {
    const world = await start();
    await world.assume();
    const file = world
      .events()
      .map((event) => JSON.stringify(event))
      .join("\n");
    await expect(world.reconcile({ text: `${file}\n{"eventID": "x"}\n` })).rejects.toThrow(
      "standard input:2: record 2 has no eventTime: it is no CloudTrail event",
    );
  });
});

type Context = NonNullable<CloudTrailEvent["userIdentity"]["sessionContext"]>;

/** The events with the session contexts of their callers changed. */
const withCaller = (
  events: readonly CloudTrailEvent[],
  change: (context: Context) => object,
): readonly object[] =>
  events.map((event) => {
    const { sessionContext } = event.userIdentity;
    return sessionContext === undefined
      ? event
      : { ...event, userIdentity: { ...event.userIdentity, sessionContext: change(sessionContext) } };
  });
