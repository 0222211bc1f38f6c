import { type Condition, conditions, looks } from '../model/condition.ts'
import type { Counts as CountsOf } from '../model/fleet.ts'

interface CountsProps {
  readonly counts: CountsOf
  readonly chosen: ReadonlySet<Condition>
  readonly onToggle: (condition: Condition) => void
}

/** How many connections are in which condition: as a bar, and as buttons that filter. */
export function Counts({ counts, chosen, onToggle }: CountsProps) {
  const present = conditions.filter((condition) => counts[condition] > 0 || chosen.has(condition))
  return (
    <div class="counts">
      <div class="counts-bar" aria-hidden="true">
        {present.map((condition) => (
          <div key={condition} class={`counts-part is-${condition}`} style={{ flexGrow: counts[condition] }}>
            {looks[condition].sign}
          </div>
        ))}
      </div>
      <div class="counts-buttons" role="group" aria-label="Show only">
        {present.map((condition) => (
          <button
            key={condition}
            type="button"
            class={`count is-${condition}`}
            aria-pressed={chosen.has(condition)}
            title={`${counts[condition]} ${looks[condition].meaning}`}
            onClick={() => onToggle(condition)}
          >
            <span class="sign" aria-hidden="true">
              {looks[condition].sign}
            </span>
            <b data-test={`count-${condition}`}>{counts[condition].toLocaleString('en')}</b> {looks[condition].words}
          </button>
        ))}
      </div>
    </div>
  )
}
