/**
 * What `/metrics` says of the record: gauges read when they are asked for. Must never show a figure of an earlier read,
 * nor read twice at once, however many ask: the route is public.
 */
import { Gauge, type Registry } from "prom-client";
import type { ReadFigures, RecordFigures } from "../../audit/figures.ts";

interface RecordGauge {
  readonly name: string;
  readonly help: string;
  /** Null: the gauge is not there. */
  readonly read: (figures: RecordFigures) => number | null;
}

/** A new figure of the record is one more row here, and one of docs/observability.md. */
const GAUGES: readonly RecordGauge[] = [
  {
    name: "twokey_log_entries",
    help: "Entries of the audit log. It only grows: less than before means that the record was put back.",
    read: ({ entries }) => entries,
  },
  {
    name: "twokey_escalations_pending",
    help: "Escalations that wait for people; 1000 stands for more.",
    read: ({ pending }) => pending,
  },
  {
    name: "twokey_escalation_oldest_pending_seconds",
    help: "How long the oldest of them has waited; 0: none waits.",
    read: ({ oldestPendingSeconds }) => oldestPendingSeconds ?? 0,
  },
  {
    name: "twokey_freezes",
    help: "Agents and templates that are frozen, and everything; single sessions are not counted.",
    read: ({ frozen }) => frozen,
  },
  {
    name: "twokey_denials_waiting",
    help: "Roles whose deny policy in AWS is not yet what is frozen.",
    read: ({ denialsWaiting }) => denialsWaiting,
  },
  {
    name: "twokey_checkpoint_age_seconds",
    help: "How long ago the audit log was signed; not there before it first was.",
    read: ({ checkpointAgeSeconds }) => checkpointAgeSeconds,
  },
  {
    name: "twokey_checkpoint_entries",
    help: "Entries of the audit log that were signed.",
    read: ({ checkpointEntries }) => checkpointEntries,
  },
];

/** The answer reads the record into the gauges. It never rejects: a record out of reach is a figure too. */
export function recordGauges(registry: Registry, readFigures: ReadFigures): () => Promise<void> {
  const registers = [registry];
  const readable = new Gauge({
    name: "twokey_record_readable",
    help: "1 when the record could be read for this answer; 0: its figures are missing.",
    registers,
  });
  const gauges = GAUGES.map(({ name, help, read }) => ({
    gauge: new Gauge({ name, help, registers }),
    read,
  }));
  const refresh = async (): Promise<void> => {
    const figures = await readFigures().catch(() => null);
    readable.set(figures === null ? 0 : 1);
    for (const { gauge, read } of gauges) {
      const value = figures === null ? null : read(figures);
      if (value === null) gauge.remove();
      else gauge.set(value);
    }
  };
  let running: Promise<void> | null = null;
  return () =>
    (running ??= refresh().finally(() => {
      running = null;
    }));
}
