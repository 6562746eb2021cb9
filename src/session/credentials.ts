/**
 * Secrets in a wrapper with one exit. Whatever prints, serialises, inspects or logs it sees `[redacted]`.
 */
const inspect = Symbol.for("nodejs.util.inspect.custom");

export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The one way out. Call it only where the secret is handed to its owner. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }

  [inspect](): string {
    return "[redacted]";
  }
}

export interface Credentials {
  /** Not secret by itself: CloudTrail shows it, and reconciliation needs it. */
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret;
  readonly expiration: Date;
}
