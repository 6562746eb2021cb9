/**
 * A table that turns into a list of cards on a phone. Roles are written out, since browsers take a table's meaning
 * away with its layout.
 */
import type { Child } from "hono/jsx";

export interface DataTableProps {
  readonly caption: string;
  /** The first column names the row. */
  readonly columns: readonly string[];
  readonly rows: readonly {
    readonly cells: readonly Child[];
    readonly danger?: boolean;
    readonly id?: string;
  }[];
}

export function DataTable({ caption, columns, rows }: DataTableProps) {
  return (
    <table role="table">
      <caption>{caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map((column) => (
            <th scope="col" role="columnheader">
              {column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map(({ cells, danger, id }) => (
          <tr role="row" id={id} class={danger === true ? "danger" : undefined}>
            {cells.map((cell, index) =>
              index === 0 ? (
                <th scope="row" role="rowheader">
                  {cell}
                </th>
              ) : (
                <td role="cell" data-label={columns[index]}>
                  <div>{cell}</div>
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
