/** The telling part of an ARN. Pure. The full ARN always stands one click away. */

/**
 * `cloudformation stack/orders-production/3c1b` of `arn:aws:cloudformation:us-east-1:111122223333:stack/…`: everything
 * but partition, region and account, nothing cut. What is no ARN is itself.
 */
export function shortArn(arn: string): string {
  const [scheme, , service, , , ...rest] = arn.split(":");
  return scheme !== "arn" || service === undefined || rest.length === 0
    ? arn
    : `${service} ${rest.join(":")}`;
}

/** Whether it stands for more than one resource. */
export function isPattern(arn: string): boolean {
  return /[*?]/.test(arn);
}
