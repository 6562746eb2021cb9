/** A person's passkeys, each with a button that takes it away. */
import { Foreign } from "./foreign.tsx";
import { TimeLeft, When } from "./moments.tsx";
import type { PasskeyRow } from "./page-data.ts";
import { DataTable } from "./table.tsx";

interface PasskeyTableProps {
  readonly of: string;
  readonly passkeys: readonly PasskeyRow[];
  readonly now: Date;
}

export function PasskeyTable({ of, passkeys, now }: PasskeyTableProps) {
  if (passkeys.length === 0) return <p class="empty">No passkey yet.</p>;
  return (
    <DataTable
      caption={`Passkeys of ${of}`}
      columns={["Passkey", "Enrolled", "Counts", "Remove"]}
      rows={passkeys.map(({ credentialId, label, enrolledAt, countsFrom }, index) => ({
        cells: [
          <span id={`key-${credentialId}`}>
            <Foreign text={label} />
          </span>,
          <When at={enrolledAt} />,
          countsFrom > now ? (
            <>
              in <TimeLeft until={countsFrom} now={now} />
            </>
          ) : (
            "yes"
          ),
          <form data-ceremony="remove-passkey" data-credential={credentialId}>
            <button
              class="quiet"
              id={`remove-${credentialId}`}
              aria-label={`Remove passkey ${index + 1} of ${of}`}
              aria-describedby={`key-${credentialId}`}
              disabled
            >
              Remove
            </button>
          </form>,
        ],
      }))}
    />
  );
}
