/** The mint path in a process of its own, for processes.ts: mints as it is told, and tells how long each mint took. */
import { openAuditLog } from "../src/adapters/postgres/audit-log.ts";
import { measure } from "./measure.ts";
import { prepare } from "./mint.ts";

export interface Order {
  readonly concurrency: number;
  readonly milliseconds: number;
}

export interface Told {
  readonly times: readonly number[];
}

const [url = "", endpoint = ""] = process.argv.slice(2);
const store = await openAuditLog({ url, folder: null });
const { mint, close } = await prepare(store, endpoint);
const tell = (told: Told): void => void process.send?.(told);

process.on("message", (order: Order) => {
  void measure(mint, order).then((times) => {
    tell({ times });
  });
});
process.on("disconnect", () => {
  close();
  void store.close();
});
tell({ times: [] });
