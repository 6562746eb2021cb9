/** A container image of ECR, by digest. A tag can be moved to other code after it was reviewed; a digest cannot. */
export interface BrokerImage {
  readonly uri: string;
  readonly repositoryArn: string;
}

const IMAGE =
  /^(\d{12})\.dkr\.ecr\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com\/([a-z0-9][a-z0-9._/-]*)@sha256:[0-9a-f]{64}$/;

/** Throws where it is no image of ECR with a digest. */
export function brokerImage(uri: string): BrokerImage {
  const [, account, region, repository] = IMAGE.exec(uri) ?? [];
  if (account === undefined || region === undefined || repository === undefined) {
    throw new Error(
      "The image is <account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<digest>: a tag may change under us",
    );
  }
  return { uri, repositoryArn: `arn:aws:ecr:${region}:${account}:repository/${repository}` };
}
