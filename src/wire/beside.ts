/** All that a broker does beside its requests, started and stopped together. */
import type { Logger } from "pino";
import type { Store } from "../adapters/postgres/audit-log.ts";
import type { Config } from "../config.ts";
import type { Broker } from "../flows/admit.ts";
import { within } from "../http/server.ts";
import { startCheckpoints } from "./checkpoints.ts";
import { startEnforcement } from "./freezes.ts";
import type { BrokerKeys } from "./keys.ts";
import { whereFrom } from "./log.ts";
import { channelsOf, startNotifications } from "./notifications.ts";

export interface BesideParts {
  readonly config: Config;
  readonly broker: () => Broker;
  readonly audit: Store;
  readonly keys: BrokerKeys;
  readonly log: Logger;
}

export interface Beside {
  /** What is wrong with the log, in words for an operator; null: nothing known. */
  readonly fault: () => string | null;
  /** Finishes what is in hand, within the grace. */
  readonly close: () => Promise<void>;
  /** Signs the log for the last time. After the last entry. */
  readonly seal: () => Promise<void>;
}

export function startBeside({ config, broker, audit, keys, log }: BesideParts): Beside {
  const notifications = startNotifications({
    channels: channelsOf(config.notify, () => broker().clock()),
    store: audit,
    context: () => ({ origin: broker().site.origin, accounts: broker().policy.set.accounts }),
    log,
    onError: (error) => {
      log.error(whereFrom(error), "notifications: the record could not be read or written");
    },
  });
  const checkpoints = startCheckpoints(audit, keys.audit, log);
  const loops = [notifications, startEnforcement(broker, audit, log)];
  return {
    fault: () => checkpoints.fault(),
    close: async () => {
      await Promise.all(loops.map((one) => within(one.close(), config.shutdownGraceMs)));
    },
    seal: () => checkpoints.close(),
  };
}
