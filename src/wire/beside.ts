/** All that a broker does beside its requests, started and stopped together. */
import type { Logger } from "pino";
import { verifyEd25519 } from "../adapters/key-files/key-files.ts";
import type { Store } from "../adapters/postgres/audit-log.ts";
import { openCheckpoint } from "../audit/checkpoint.ts";
import type { Config } from "../config.ts";
import type { Broker } from "../flows/admit.ts";
import { within } from "../http/server.ts";
import { startAgentWatch } from "./agent-watch.ts";
import { exporterOf, startAuditExport, type AuditExport } from "./audit-export.ts";
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
  /** Signs and exports the log for the last time. After the last entry. */
  readonly seal: () => Promise<void>;
}

export async function startBeside({ config, broker, audit, keys, log }: BesideParts): Promise<Beside> {
  const auditExport = await openExport({ config, broker, audit, keys, log });
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
  const loops = [notifications, startEnforcement(broker, audit, log), startAgentWatch(broker, audit, log)];
  return {
    fault: () => checkpoints.fault(),
    close: async () => {
      await Promise.all(loops.map((one) => within(one.close(), config.shutdownGraceMs)));
    },
    seal: async () => {
      await checkpoints.close();
      await auditExport?.close(config.shutdownGraceMs);
    },
  };
}

async function openExport({ config, broker, audit, keys, log }: BesideParts): Promise<AuditExport | null> {
  const exporter = await exporterOf(config, () => broker().clock());
  if (exporter === null) return null;
  const { origin } = await audit.tree.head();
  const known = [{ name: origin, publicKey: keys.audit.publicKey }];
  const open = (note: string) => openCheckpoint(note, known, verifyEd25519);
  return startAuditExport({ exporter, log: audit.tree, open, logger: log });
}
