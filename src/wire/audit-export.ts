/**
 * Runs the export of a broker's audit log: one loop that looks for new checkpoints, and one last look when it stops. Any
 * number of replicas may do so at once: they export the same objects. Decides nothing; a fault is told loudly, every
 * time, until somebody has looked.
 */
import type { Logger } from "pino";
import { createFolderExporter } from "../adapters/export/folder.ts";
import type { AuditExporter } from "../audit/export.ts";
import type { LogReader } from "../audit/reader.ts";
import type { Config } from "../config.ts";
import { exportLog, type LogExport } from "../flows/export-log.ts";
import { whereFrom } from "./log.ts";
import { pause } from "./loop.ts";

/** A bucket takes one listing, one reading and two writings for each. */
const EVERY_MS = 15_000;
/** Neither a fault nor an outage is over sooner. */
const AFTER_FAULT_MS = 60_000;

export interface AuditExportParts {
  readonly exporter: AuditExporter;
  readonly log: LogReader;
  /** The checkpoint of a note that a key of this log signed. */
  readonly open: LogExport["open"];
  readonly logger: Logger;
  /** Milliseconds between two looks. Default 15 s. */
  readonly everyMs?: number;
}

export interface AuditExport {
  /** Ends the loop, then exports once more, for so long at most. Call it when the last checkpoint is signed. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** Null: none is set up. */
export async function exporterOf(
  { auditExport }: Pick<Config, "auditExport">,
  clock: () => Date,
): Promise<AuditExporter | null> {
  if (auditExport === null) return null;
  if (auditExport.kind === "folder") return createFolderExporter(auditExport.folder);
  // A client of a thousand files, for those who have a bucket.
  const { createS3Exporter } = await import("../adapters/export/s3.ts");
  return createS3Exporter({ ...auditExport, clock, region: null, endpoint: null, credentials: null });
}

export function startAuditExport(parts: AuditExportParts): AuditExport {
  const { everyMs = EVERY_MS } = parts;
  const stop = new AbortController();
  const stopping = stop.signal;
  const running = (async () => {
    while (!stopping.aborted) {
      const sound = await exportOnce(parts, stopping);
      await pause(sound ? everyMs : AFTER_FAULT_MS, stopping);
    }
  })();
  return {
    close: async (graceMs) => {
      stop.abort();
      const late = AbortSignal.timeout(graceMs);
      await Promise.race([running.then(() => exportOnce(parts, late)), aborted(late)]);
    },
  };
}

/** Whether nothing was wrong. Never rejects. */
async function exportOnce(parts: AuditExportParts, stopping: AbortSignal): Promise<boolean> {
  const { exporter, log, open, logger } = parts;
  const to = exporter.name;
  try {
    const exported = await exportLog({ log, exporter, open, stopping });
    if (!exported.ok) {
      logger.error(
        { to, ...exported.error },
        "AUDIT EXPORT STOPPED: the log or its export is not what it was",
      );
      return false;
    }
    if (exported.value.entries > 0) logger.debug({ to, ...exported.value }, "audit log exported");
    return true;
  } catch (error) {
    logger.error({ to, ...whereFrom(error) }, "audit export: the log or its export could not be reached");
    return false;
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener("abort", () => {
        resolve();
      });
  });
