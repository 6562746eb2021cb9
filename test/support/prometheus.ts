/** Prometheus' text format (version 0.0.4), read by its own rules. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly samples: readonly Sample[];
  /** Every metric a `# TYPE` line names, whether or not it has a sample. */
  readonly types: ReadonlyMap<string, string>;
  /** The one sample with exactly these labels; null: there is none. */
  readonly value: (name: string, labels?: Readonly<Record<string, string>>) => number | null;
}

export function readMetrics(text: string): Scrape {
  const lines = text.split("\n").filter((line) => line !== "");
  const types = new Map<string, string>();
  for (const line of lines) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined && type !== undefined) types.set(name, type);
  }
  const samples = lines.filter((line) => !line.startsWith("#")).map(sampleOf);
  const value: Scrape["value"] = (name, labels = {}) => {
    const wanted = key({ name, labels });
    const found = samples.filter((sample) => key(sample) === wanted);
    if (found.length > 1) throw new Error(`${wanted} stands there ${found.length} times`);
    return found[0]?.value ?? null;
  };
  return { samples, types, value };
}

const key = ({ name, labels }: Pick<Sample, "name" | "labels">): string =>
  `${name} ${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

function sampleOf(line: string): Sample {
  const [, name, labels = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = "", text = ""]) => [label, text] as const,
  );
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
