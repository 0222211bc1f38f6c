import { useEffect, useState } from 'preact/hooks'

import { shown } from '../model/format.ts'
import type { Store } from '../model/store.ts'
import { useDerived } from './hooks.ts'

/** The answer to the last command, for some seconds. */
export function Toast({ store }: { store: Store }) {
  const result = useDerived(store, () => store.result)
  const [hidden, hide] = useState<unknown>(null)
  useEffect(() => {
    if (!result) return undefined
    const timer = setTimeout(() => hide(result), 6_000)
    return () => clearTimeout(timer)
  }, [result])
  const visible = result !== null && hidden !== result
  return (
    <div class="toasts" role="status" aria-live="polite">
      {visible && <p class={result.ok ? 'toast' : 'toast refused'}>{shown(result.message)}</p>}
    </div>
  )
}
