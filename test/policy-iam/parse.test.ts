import { describe, expect, test } from "vitest";
import { parsePolicy, type ParseOptions } from "../../src/policy/iam/parse.ts";

const RESOURCE: ParseOptions = { resourcePolicy: true };
const TRUST: ParseOptions = { resourcePolicy: true, allowMissingResource: true };
const good = { Effect: "Allow", Action: "s3:GetObject", Resource: "*" };

function faultsOf(policy: unknown, options?: ParseOptions): readonly string[] {
  const parsed = parsePolicy(policy, options);
  return parsed.ok ? [] : parsed.error;
}

const document = (statement: Record<string, unknown>, version = "2012-10-17") => ({
  Version: version,
  Statement: [{ ...good, ...statement }],
});

describe("documents that AWS's grammar allows are accepted", () => {
  test.each<[string, unknown, ParseOptions?]>([
    ["a list of statements", { Version: "2012-10-17", Statement: [good] }],
    ["one statement without a list, and no Version", { Statement: good }],
    [
      "lists and single strings",
      document({ Action: ["s3:Get*", "ec2:Describe?"], Resource: ["arn:aws:s3:::a/*"] }),
    ],
    ["* alone as action", document({ Action: "*" })],
    ["an action with a hyphen", document({ Action: "vpc-lattice:AssociateViaAWSService-EventsAndStates" })],
    [
      "numbers and booleans in conditions",
      document({
        Condition: { NumericEquals: { "s3:max-keys": 10 }, Bool: { "aws:SecureTransport": true } },
      }),
    ],
    [
      "Id and Principal in a resource policy",
      { Version: "2012-10-17", Id: "x", Statement: [{ ...good, Principal: "*" }] },
      RESOURCE,
    ],
    [
      "a trust policy without Resource",
      {
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: "cloudformation.amazonaws.com" },
            Action: "sts:AssumeRole",
          },
        ],
      },
      TRUST,
    ],
    ["NotPrincipal with Deny", document({ Effect: "Deny", NotPrincipal: { AWS: "111122223333" } }), RESOURCE],
    [
      "text that looks like a variable, in the older version",
      document({ Resource: "arn:aws:s3:::${" }, "2008-10-17"),
    ],
  ])("%s", (_title, policy, options) => {
    expect(faultsOf(policy, options)).toEqual([]);
  });
});

describe("everything else is a fault that names its place", () => {
  test.each<[string, unknown, RegExp, ParseOptions?]>([
    ["text instead of JSON", "{}", /must be a JSON object/],
    ["no statements", { Version: "2012-10-17" }, /Statement must hold/],
    ["an empty list of statements", { Version: "2012-10-17", Statement: [] }, /Statement must hold/],
    [
      "a statement that is no object",
      { Version: "2012-10-17", Statement: ["x"] },
      /Statement\[0\] must be an object/,
    ],
    ["an unknown element of the document", { ...document({}), Extra: 1 }, /Extra/],
    ["Id in an identity policy", { ...document({}), Id: "x" }, /Id is not/],
    ["an unknown Version", document({}, "2020-01-01"), /Version must be/],
    ["an unknown element of a statement", document({ Actions: "s3:*" }), /Statement\[0\]\.Actions/],
    ["an Effect in another case", document({ Effect: "allow" }), /Effect must be/],
    ["both Action and NotAction", document({ NotAction: "s3:*" }), /both Action and NotAction/],
    ["neither Action nor NotAction", document({ Action: undefined }), /neither Action/],
    ["both Resource and NotResource", document({ NotResource: "*" }), /both Resource and NotResource/],
    ["neither Resource nor NotResource", document({ Resource: undefined }), /neither Resource/],
    ["an empty Action list", document({ Action: [] }), /Action has no values/],
    ["an empty Resource list", document({ Resource: [] }), /Resource has no values/],
    ["a number as action", document({ Action: [1] }), /Action must hold strings/],
    ["an action without a service", document({ Action: "GetObject" }), /is not service:Action/],
    ["a wildcard for the service", document({ Action: "*:Delete*" }), /is not service:Action/],
    ["a look-alike letter in an action", document({ Action: "\u212Ams:Decrypt" }), /is not service:Action/],
    ["a resource that is no ARN", document({ Resource: "orders" }), /neither an ARN/],
    ["a Sid with a space", document({ Sid: "a b" }), /Sid must be/],
    [
      "the same Sid twice",
      {
        Version: "2012-10-17",
        Statement: [
          { ...good, Sid: "A" },
          { ...good, Sid: "A" },
        ],
      },
      /used twice/,
    ],
    ["Principal in an identity policy", document({ Principal: "*" }), /no place in an identity policy/],
    ["NotPrincipal in an identity policy", document({ NotPrincipal: "*" }), /no place in an identity policy/],
    ["no principal in a resource policy", document({}), /neither Principal/, RESOURCE],
    [
      "NotPrincipal with Allow",
      document({ NotPrincipal: { AWS: "111122223333" } }),
      /grant to everyone else/,
      RESOURCE,
    ],
    [
      "a wildcard inside a principal",
      document({ Principal: { AWS: "arn:aws:sts::111122223333:assumed-role/operator/*" } }),
      /wildcard cannot be part/,
      RESOURCE,
    ],
    [
      "every service as principal",
      document({ Principal: { Service: "*" } }),
      /wildcard cannot be part/,
      RESOURCE,
    ],
    [
      "an unknown principal type",
      document({ Principal: { Aws: "111122223333" } }),
      /Aws is not one of/,
      RESOURCE,
    ],
    [
      "a principal that is no ARN",
      document({ Principal: { AWS: "orders-lead" } }),
      /is not an account/,
      RESOURCE,
    ],
    [
      "a group as principal",
      document({ Principal: { AWS: "arn:aws:iam::111122223333:group/orders" } }),
      /is not an account/,
      RESOURCE,
    ],
    [
      "a session principal without its session",
      document({ Principal: { AWS: "arn:aws:sts::111122223333:assumed-role/operator" } }),
      /is not an account/,
      RESOURCE,
    ],
    ["an empty principal list", document({ Principal: { AWS: [] } }), /no values/, RESOURCE],
    [
      "no Resource in a resource policy that is no trust policy",
      document({ Principal: "*", Resource: undefined }),
      /neither Resource/,
      RESOURCE,
    ],
    ["an empty Condition", document({ Condition: {} }), /at least one operator/],
    ["an operator without keys", document({ Condition: { StringEquals: {} } }), /at least one condition key/],
    [
      "an unknown operator",
      document({ Condition: { StringLikeIgnoreCase: { "aws:a": "x" } } }),
      /not a condition operator/,
    ],
    [
      "an operator in another case",
      document({ Condition: { stringEquals: { "aws:a": "x" } } }),
      /not a condition operator/,
    ],
    [
      "NullIfExists",
      document({ Condition: { NullIfExists: { "aws:a": "true" } } }),
      /not a condition operator/,
    ],
    [
      "ForAllValues of Null",
      document({ Condition: { "ForAllValues:Null": { "aws:a": "true" } } }),
      /not a condition operator/,
    ],
    [
      "an unknown set operator",
      document({ Condition: { "ForSomeValues:StringLike": { "aws:a": "x" } } }),
      /not a condition operator/,
    ],
    ["a key without a service", document({ Condition: { StringEquals: { a: "x" } } }), /not a condition key/],
    [
      "a key twice in two cases",
      document({ Condition: { StringEquals: { "aws:A": "x", "aws:a": "y" } } }),
      /given twice/,
    ],
    ["an empty value list", document({ Condition: { StringEquals: { "aws:a": [] } } }), /no values/],
    ["null as a value", document({ Condition: { StringEquals: { "aws:a": null } } }), /must hold strings/],
    ["an object as a value", document({ Condition: { StringEquals: { "aws:a": {} } } }), /must hold strings/],
    [
      "a word where a number belongs",
      document({ Condition: { NumericEquals: { "aws:a": "ten" } } }),
      /not a number/,
    ],
    [
      "a day that does not exist",
      document({ Condition: { DateLessThan: { "aws:a": "2026-02-30" } } }),
      /not an ISO 8601/,
    ],
    [
      "a time without a zone",
      document({ Condition: { DateLessThan: { "aws:a": "2026-02-20T10:00" } } }),
      /not an ISO 8601/,
    ],
    ["a Bool that is neither", document({ Condition: { Bool: { "aws:a": "yes" } } }), /not true or false/],
    ["a Null that is neither", document({ Condition: { Null: { "aws:a": "null" } } }), /not true or false/],
    ["bytes that are not base64", document({ Condition: { BinaryEquals: { "aws:a": "%%" } } }), /not base64/],
    [
      "a network with too many bits",
      document({ Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/33" } } }),
      /not an IP address/,
    ],
    [
      "a variable in an IP address",
      document({ Condition: { IpAddress: { "aws:SourceIp": "${aws:username}" } } }),
      /not an IP address/,
    ],
    [
      "an ARN of five parts",
      document({ Condition: { ArnLike: { "aws:a": "arn:aws:iam::111122223333" } } }),
      /ARN of six parts/,
    ],
    ["an unclosed variable", document({ Resource: "arn:aws:s3:::${aws:username" }), /cannot be read/],
    ["a variable without a key", document({ Resource: "arn:aws:s3:::${}" }), /cannot be read/],
    [
      "a variable before the fifth colon",
      document({ Resource: "arn:aws:s3:${aws:username}::x" }),
      /fifth colon/,
    ],
  ])("%s", (_title, policy, message, options) => {
    expect(faultsOf(policy, options).join("\n")).toMatch(message);
  });

  test("all faults of a document are reported at once", () => {
    const faults = faultsOf({
      Version: "1999-01-01",
      Statement: [
        { Effect: "Maybe", Action: [], Resource: "x" },
        { ...good, Condition: { Like: { "aws:a": "x" } } },
      ],
    });
    expect(faults).toHaveLength(5);
  });
});
