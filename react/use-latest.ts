import { useInsertionEffect, useRef } from 'react'

/** The value of the last render that React has shown, for functions that are called later. */
export function useLatest<Value>(value: Value): { readonly current: Value } {
  const latest = useRef(value)
  // Before all other effects, which may use it.
  useInsertionEffect(() => {
    latest.current = value
  })
  return latest
}
