/** What a session could do, destruction first, each with its exact resources and actions one click away. */
import { isPattern, shortArn } from "./arn.ts";
import { Foreign } from "./foreign.tsx";
import { EFFECT_ORDER, EffectMark } from "./marks.tsx";
import type { Ability } from "./page-data.ts";

export function Abilities({ could }: { readonly could: readonly Ability[] }) {
  if (could.length === 0) return <p class="empty">Nothing: its policy allows no action.</p>;
  // Sorted here too: the order is what keeps destruction from being read last.
  const worstFirst = [...could].sort(
    (a, b) => EFFECT_ORDER.indexOf(a.effect) - EFFECT_ORDER.indexOf(b.effect),
  );
  return (
    <ul class="abilities">
      {worstFirst.map((ability, index) => (
        <li class={`ability effect-${ability.effect}`}>
          <EffectMark effect={ability.effect} />
          <div>
            <p class="what">
              <Foreign text={ability.text} />
            </p>
            <Resources ability={ability} id={`ability-${index}`} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function Resources({ ability, id }: { readonly ability: Ability; readonly id: string }) {
  const { actions, resources } = ability;
  return (
    <details id={id}>
      <summary>
        <span>
          {resources.length === 1 ? (
            <>
              on <Foreign text={shortArn(resources[0] ?? "")} />
            </>
          ) : (
            `on ${resources.length} resources`
          )}
        </span>
        <span class="more">
          {resources.some(isPattern) ? "pattern" : "exact"} · {actions.length}{" "}
          {actions.length === 1 ? "action" : "actions"}
        </span>
      </summary>
      <dl>
        <dt>Resources</dt>
        {resources.map((resource) => (
          <dd>
            <code>
              <Foreign text={resource} />
            </code>
          </dd>
        ))}
        <dt>Actions</dt>
        {actions.map((action) => (
          <dd>
            <code>
              <Foreign text={action} />
            </code>
          </dd>
        ))}
      </dl>
    </details>
  );
}
