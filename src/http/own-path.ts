/** Where a browser is sent after it signed in: a path of ours, whatever it asked for. No open redirect. */
const HOME = "/queue";

/** A path, its query and nothing that could be another host: `//evil`, `/\evil`, a scheme, a line break. */
export function ownPath(unverified: string | null | undefined): string {
  if (unverified === null || unverified === undefined) return HOME;
  return /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}$/.test(unverified) ? unverified : HOME;
}
