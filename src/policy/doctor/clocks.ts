/** How far two clocks may stand apart. AWS refuses what was signed five minutes away; tokens and expiries suffer before. */
import { bad, good, odd, THE_BROKER, type CheckId, type Finding } from "./finding.ts";

const ODD_MS = 60_000;
const BAD_MS = 240_000;

/** `aheadMs`: the other clock less this machine's; null: it could not be read. */
export function judgeClock(
  id: Extract<CheckId, "clock" | "record_clock">,
  whose: string,
  aheadMs: number | null,
): Finding {
  if (aheadMs === null)
    return odd(id, THE_BROKER, `${whose}'s clock could not be read`, "see the findings beside this one");
  const apart = Math.abs(aheadMs);
  const seconds = Math.round(apart / 1000);
  const line = `this machine's clock and ${whose}'s are ${seconds} s apart`;
  const fix = "synchronise this machine's clock (NTP)";
  if (apart > BAD_MS) return bad(id, THE_BROKER, line, fix);
  return apart > ODD_MS ? odd(id, THE_BROKER, line, fix) : good(id, THE_BROKER, line);
}
