import { shown } from '../model/format.ts'

const MOST = 8

interface FailureListProps {
  readonly failures: readonly (readonly [failure: string, count: number])[]
  readonly chosen: string
  readonly onChoose: (failure: string) => void
}

/** Why connections are not up, the most frequent cause first. A cause is a filter. */
export function FailureList({ failures, chosen, onChoose }: FailureListProps) {
  const listed = failures.slice(0, MOST)
  const more = failures.length - listed.length
  const isListed = chosen === '' || listed.some(([failure]) => failure === chosen)
  return (
    <section class="causes" aria-label="Causes">
      <h2>Causes</h2>
      {failures.length === 0 && chosen === '' && <p class="empty">No failure is known.</p>}
      <ul>
        {(isListed ? listed : [...listed, [chosen, 0] as const]).map(([failure, count]) => (
          <li key={failure}>
            <button
              type="button"
              class="cause"
              aria-pressed={failure === chosen}
              onClick={() => onChoose(failure === chosen ? '' : failure)}
            >
              <b>{count.toLocaleString('en')}</b> <span>{shown(failure, 200)}</span>
            </button>
          </li>
        ))}
      </ul>
      {more > 0 && <p class="muted">and {more} more, which the order “by cause” shows</p>}
    </section>
  )
}
