/** The operator's log: what stands in every line, and what of an error may. Must never write a secret. */
import { pino, type DestinationStream, type Logger } from "pino";
import { traceFields } from "../adapters/traces/tracer.ts";
import type { Config } from "../config.ts";

export function createLog(config: Config, destination: DestinationStream | undefined): Logger {
  const options = {
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Nothing logs headers; should anything ever, the token still does not show.
    redact: ["authorization", "*.authorization", "*.*.authorization"],
    mixin: traceFields,
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** An error's message and cause may hold anything; its name and frames are ours. */
export function whereFrom(error: unknown): { readonly error: string; readonly at: readonly string[] } {
  if (!(error instanceof Error)) return { error: typeof error, at: [] };
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return { error: error.name, at: frames.slice(0, 8).map((line) => line.trim()) };
}
