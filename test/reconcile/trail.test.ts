/** One CloudTrail event, as AWS writes it and as somebody might spoil it. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { readTrailEvent } from "../../src/audit/trail.ts";

const NEEDED = {
  eventID: "f6a8a2c1-0000-4000-8000-000000000001",
  eventTime: "2026-03-01T10:00:00Z",
  eventSource: "sts.amazonaws.com",
  eventName: "AssumeRole",
};
const ROLE = "arn:aws:iam::111122223333:role/twokey/ai-operator";

test("an AssumeRole event says who asked, for which role and session, with which tags, and the key", () => {
  // The form of AWS's own example, with the values of this project.
  const read = readTrailEvent({
    eventVersion: "1.08",
    ...NEEDED,
    userIdentity: {
      type: "AssumedRole",
      principalId: "AROAEXAMPLEEXAMPLE000:i-0123",
      arn: "arn:aws:sts::111122223333:assumed-role/twokey-broker/i-0123",
      accountId: "111122223333",
      accessKeyId: "ASIABROKERBROKER0000",
      sessionContext: {
        sessionIssuer: { type: "Role", arn: "arn:aws:iam::111122223333:role/twokey-broker" },
        attributes: { creationDate: "2026-03-01T09:00:00Z", mfaAuthenticated: "false" },
      },
    },
    awsRegion: "eu-west-1",
    readOnly: true,
    requestParameters: {
      roleArn: ROLE,
      roleSessionName: "orders-ci-abcdefgh",
      sourceIdentity: "tks-1",
      tags: [{ value: "ai-agent", key: "twokey:principal" }],
      transitiveTagKeys: ["twokey:principal"],
    },
    responseElements: {
      credentials: { accessKeyId: "ASIAISSUEDISSUED0000", expiration: "Mar 1, 2026, 10:15:00 AM" },
    },
    sharedEventID: "5d3c0000-0000-4000-8000-000000000009",
    recipientAccountId: "111122223333",
  });
  expect(read).toMatchObject({
    ok: true,
    value: {
      id: NEEDED.eventID,
      callId: "5d3c0000-0000-4000-8000-000000000009",
      at: new Date("2026-03-01T10:00:00Z"),
      region: "eu-west-1",
      account: "111122223333",
      readOnly: true,
      errorCode: null,
      caller: {
        arn: "arn:aws:sts::111122223333:assumed-role/twokey-broker/i-0123",
        roleArn: "arn:aws:iam::111122223333:role/twokey-broker",
        accessKeyId: "ASIABROKERBROKER0000",
        sourceIdentity: null,
      },
      assumption: {
        roleArn: ROLE,
        sourceIdentity: "tks-1",
        tags: [{ key: "twokey:principal", value: "ai-agent" }],
        transitiveKeys: ["twokey:principal"],
        accessKeyId: "ASIAISSUEDISSUED0000",
      },
    },
  });
});

test.each([
  [
    "its message",
    {
      errorMessage: `User: arn:aws:iam::111122223333:user/x is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`,
    },
  ],
  ["its resources", { resources: [{ ARN: ROLE, type: "AWS::IAM::Role" }] }],
])("the role of a refused call without parameters is read from %s", (_where, fields) => {
  const refused = {
    ...NEEDED,
    errorCode: "AccessDenied",
    requestParameters: null,
    responseElements: null,
    ...fields,
  };
  expect(readTrailEvent(refused)).toMatchObject({
    value: {
      errorCode: "AccessDenied",
      assumption: { roleArn: ROLE, sourceIdentity: null, accessKeyId: null },
    },
  });
});

test.each([
  ["null", null, /not a JSON object/],
  ["a list", [], /not a JSON object/],
  ["no id", { ...NEEDED, eventID: undefined }, /no eventID/],
  ["an id that is none", { ...NEEDED, eventID: 7 }, /no eventID/],
  ["no name", { ...NEEDED, eventName: "" }, /no eventName/],
  ["a local time", { ...NEEDED, eventTime: "2026-03-01 10:00:00" }, /eventTime/],
  ["a month too many", { ...NEEDED, eventTime: "2026-13-01T10:00:00Z" }, /eventTime/],
])("an event with %s is refused", (_what, value, message) => {
  expect(readTrailEvent(value)).toEqual({ ok: false, error: expect.stringMatching(message) as string });
});

test("whatever stands in the other fields, nothing is thrown", () => {
  const fields = [
    "userIdentity",
    "requestParameters",
    "responseElements",
    "resources",
    "errorCode",
    "errorMessage",
  ];
  const event = fc.record(Object.fromEntries(fields.map((name) => [name, fc.jsonValue()])), {
    requiredKeys: [],
  });
  fc.assert(
    fc.property(event, (made) => {
      expect(readTrailEvent({ ...NEEDED, ...made }).ok).toBe(true);
    }),
  );
});
