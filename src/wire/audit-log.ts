/** The log as it is hashed, for commands that read it without a broker. Starts nothing by itself. */
import type { LogReader } from "../audit/reader.ts";
import type { Config } from "../config.ts";
import { openStore } from "./tools.ts";

export interface OpenLog {
  readonly reader: LogReader;
  readonly close: () => Promise<void>;
}

/** Throws where the store cannot be opened, or does not keep the log's exact texts. */
export async function openLog(config: Config): Promise<OpenLog> {
  const store = await openStore(config);
  if (isLogReader(store)) return { reader: store, close: () => store.close() };
  await store.close();
  throw new Error("this store cannot be read as a log");
}

function isLogReader(store: object): store is LogReader {
  return ["head", "leaves", "checkpoints", "latestCheckpoint", "hashes"].every((name) => name in store);
}
