import { useEffect, useRef } from 'preact/hooks'

import { type Age, ages, type Filter, type Order, orders } from '../model/members.ts'

interface ToolsProps {
  readonly filter: Filter
  readonly order: Order
  readonly found: number
  readonly of: number
  readonly onFilter: (filter: Filter) => void
  readonly onOrder: (order: Order) => void
  readonly onExport: () => void
  /** ArrowDown in the search. */
  readonly onDown: () => void
  /** Enter in the search. */
  readonly onEnter: () => void
}

const words: Readonly<Record<Order, string>> = {
  worst: 'Worst first',
  name: 'By name',
  failure: 'By cause',
  longest: 'Longest in its state',
  latest: 'Latest change',
}

export function FleetTools({ filter, order, found, of, onFilter, onOrder, onExport, onDown, onEnter }: ToolsProps) {
  const search = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement
      if (event.key !== '/' || typing) return
      event.preventDefault()
      search.current?.focus()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  return (
    <div class="fleet-tools">
      <input
        ref={search}
        type="search"
        placeholder="Name, state or cause  /"
        aria-label="Filter by name, state or cause"
        value={filter.query}
        maxLength={200}
        onInput={(event) => onFilter({ ...filter, query: event.currentTarget.value })}
        onKeyDown={(event) => {
          // Input methods use these keys to choose words.
          if (event.isComposing || (event.key !== 'ArrowDown' && event.key !== 'Enter')) return
          event.preventDefault()
          if (event.key === 'Enter') onEnter()
          else onDown()
        }}
      />
      <select aria-label="Order" value={order} onChange={(event) => onOrder(event.currentTarget.value as Order)}>
        {orders.map((each) => (
          <option key={each} value={each}>
            {words[each]}
          </option>
        ))}
      </select>
      <select
        aria-label="Time in the state"
        value={filter.age}
        onChange={(event) => onFilter({ ...filter, age: event.currentTarget.value as Age })}
      >
        {ages.map((age) => (
          <option key={age} value={age}>
            {age === 'any' ? 'For any time' : `For ${age}`}
          </option>
        ))}
      </select>
      <button type="button" onClick={onExport} title="Save the events of these connections as JSON Lines">
        Export
      </button>
      <p class="muted" role="status">
        {found === of
          ? `${of.toLocaleString('en')} connections`
          : `${found.toLocaleString('en')} of ${of.toLocaleString('en')}`}
      </p>
    </div>
  )
}
