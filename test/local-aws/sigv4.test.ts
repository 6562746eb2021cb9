/** Who may call at all: signatures, session tokens, dates. Requests are signed by the AWS SDK's signer, then spoilt. */
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { describe, expect, test } from "vitest";
import {
  assume,
  BROKER,
  BROKER_KEYS,
  FORM,
  IDENTITY_CALL,
  refusal,
  send,
  sign,
  type SignedRequest,
  startWorld,
} from "./world.ts";

const codeIn = (xml: string): string | undefined => /<Code>([^<]*)<\/Code>/.exec(xml)?.[1];

describe("a signed call", () => {
  test("is answered with who signed it", async () => {
    const world = await startWorld();
    const who = await world.sts().send(new GetCallerIdentityCommand({}));
    expect(who.Arn).toBe(BROKER);
    expect(who.Account).toBe("111122223333");
  });

  test("is accepted at any path, since the scope says which service is meant", async () => {
    const world = await startWorld();
    const answer = await send(
      await sign(world, { ...IDENTITY_CALL, path: "/some%3Apath/x y".replace(" ", "%20") }),
    );
    expect(answer.status).toBe(200);
    expect(answer.text).toContain(`<Arn>${BROKER}</Arn>`);
  });

  test("has its query parameters signed in whatever order they stand", async () => {
    const world = await startWorld();
    const signed = await sign(world, { ...IDENTITY_CALL, query: { b: "2 +&", a: "1" } });
    expect((await send(signed)).status).toBe(200);
    const answer = await send({ ...signed, url: signed.url.replace("a=1", "a=2") });
    expect(codeIn(answer.text)).toBe("SignatureDoesNotMatch");
  });
});

describe("a call is refused", () => {
  const spoilt: readonly (readonly [string, string, (signed: SignedRequest) => SignedRequest])[] = [
    [
      "without a signature",
      "MissingAuthenticationToken",
      (s) => ({ ...s, headers: omit(s.headers, "authorization") }),
    ],
    [
      "with a signature of another kind",
      "IncompleteSignature",
      (s) => header(s, "authorization", "Bearer x"),
    ],
    [
      "for an unknown key",
      "InvalidClientTokenId",
      (s) => replaceIn(s, BROKER_KEYS.accessKeyId, "AKIAUNKNOWN000000001"),
    ],
    ["when the body was changed", "SignatureDoesNotMatch", (s) => ({ ...s, body: `${s.body ?? ""}&X=1` })],
    [
      "when the body was changed and its stated hash with it",
      "SignatureDoesNotMatch",
      (s) => header({ ...s, body: "Action=GetCallerIdentity" }, "x-amz-content-sha256", "0".repeat(64)),
    ],
    ["when the method was changed", "SignatureDoesNotMatch", (s) => ({ ...s, method: "PUT" })],
    ["when the path was changed", "SignatureDoesNotMatch", (s) => ({ ...s, url: `${s.url}other` })],
    [
      "when a signed header was changed",
      "SignatureDoesNotMatch",
      (s) => header(s, "content-type", "application/x-www-form-urlencoded"),
    ],
    [
      "when the region of the scope was changed",
      "SignatureDoesNotMatch",
      (s) => replaceIn(s, "us-east-1", "eu-west-1"),
    ],
    [
      "when the service of the scope was changed",
      "SignatureDoesNotMatch",
      (s) => replaceIn(s, "/sts/", "/iam/"),
    ],
    [
      "when one digit of the signature was changed",
      "SignatureDoesNotMatch",
      (s) => header(s, "authorization", flipLast(s.headers["authorization"] ?? "")),
    ],
    [
      "with an x-amz header that nobody signed",
      "SignatureDoesNotMatch",
      (s) => header(s, "x-amz-other", "x"),
    ],
    [
      "with the date of another day than the scope's",
      "IncompleteSignature",
      (s) => header(s, "x-amz-date", "20200101T000000Z"),
    ],
    [
      "with a session token beside a long-term key",
      "SignatureDoesNotMatch",
      (s) => header(s, "x-amz-security-token", "x"),
    ],
  ];
  test.each(spoilt)("%s: %s", async (_, code, spoil) => {
    const world = await startWorld();
    const answer = await send(spoil(await sign(world, IDENTITY_CALL)));
    expect(codeIn(answer.text)).toBe(code);
    expect(answer.status).toBe(403);
    expect(world.aws.state.events()).toEqual([]);
  });

  test("when the body was changed and no header states its hash", async () => {
    const world = await startWorld();
    const signed = await sign(world, { ...IDENTITY_CALL, statesHash: false });
    expect(signed.headers).not.toHaveProperty("x-amz-content-sha256");
    expect((await send(signed)).status).toBe(200);
    const answer = await send({ ...signed, body: `${signed.body ?? ""}&X=1` });
    expect(codeIn(answer.text)).toBe("SignatureDoesNotMatch");
  });

  test("when it says that its payload is unsigned, to any service but S3", async () => {
    const world = await startWorld();
    const headers = { ...FORM, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    const signed = await sign(world, { ...IDENTITY_CALL, headers, statesHash: false });
    const answer = await send({ ...signed, body: "Action=GetCallerIdentity" });
    expect(codeIn(answer.text)).toBe("SignatureDoesNotMatch");
  });

  test("with the wrong secret", async () => {
    const world = await startWorld();
    const keys = { ...BROKER_KEYS, secretAccessKey: "guessed" };
    const refused = await refusal(world.sts(keys).send(new GetCallerIdentityCommand({})));
    expect(refused.code).toBe("SignatureDoesNotMatch");
    expect(refused.message).not.toContain("guessed");
  });

  test.each([
    [-899, 200],
    [-901, 400],
    [899, 200],
    [902, 400],
  ])("when it was signed %i seconds from now: status %i", async (seconds, status) => {
    const world = await startWorld();
    const signedAt = new Date(world.now().getTime() + seconds * 1000);
    const answer = await send(await sign(world, { ...IDENTITY_CALL, signedAt }));
    expect(answer.status).toBe(status);
    if (status !== 200) expect(codeIn(answer.text)).toBe("RequestExpired");
  });

  test("with one parameter twice, whose meaning two readers could see differently", async () => {
    const world = await startWorld();
    const answer = await send(
      await sign(world, { headers: FORM, body: "Action=GetCallerIdentity&Action=AssumeRole" }),
    );
    expect(codeIn(answer.text)).toBe("MalformedQueryString");
  });

  test("when its body is larger than anything AWS takes here", async () => {
    const world = await startWorld();
    const answer = await send(await sign(world, { headers: FORM, body: `A=${"x".repeat(1_100_000)}` }));
    expect(answer.status).toBe(413);
  });
});

describe("a session", () => {
  test("speaks for its role until it expires", async () => {
    const world = await startWorld();
    const keys = await assume(world.sts(), { DurationSeconds: 900 });
    const call = { ...IDENTITY_CALL, keys };
    world.advance(895);
    const before = await send(await sign(world, call));
    expect(before.text).toContain("arn:aws:sts::111122223333:assumed-role/operator/orders-ci");
    world.advance(10);
    const after = await send(await sign(world, call));
    expect([after.status, codeIn(after.text)]).toEqual([403, "ExpiredToken"]);
  });

  test("is nothing without its token, with a changed token, or with another session's", async () => {
    const world = await startWorld();
    const one = await assume(world.sts());
    const other = await assume(world.sts());
    for (const sessionToken of [undefined, `${one.sessionToken}x`, other.sessionToken]) {
      const { accessKeyId, secretAccessKey } = one;
      const keys =
        sessionToken === undefined
          ? { accessKeyId, secretAccessKey }
          : { accessKeyId, secretAccessKey, sessionToken };
      const answer = await send(await sign(world, { ...IDENTITY_CALL, keys }));
      expect(codeIn(answer.text)).toBe("InvalidClientTokenId");
    }
  });
});

const omit = (headers: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));
const header = (signed: SignedRequest, name: string, value: string): SignedRequest => ({
  ...signed,
  headers: { ...signed.headers, [name]: value },
});
const replaceIn = (signed: SignedRequest, from: string, to: string): SignedRequest =>
  header(signed, "authorization", (signed.headers["authorization"] ?? "").replace(from, to));
const flipLast = (text: string): string => text.slice(0, -1) + (text.endsWith("0") ? "1" : "0");
