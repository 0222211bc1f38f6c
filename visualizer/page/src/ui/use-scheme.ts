import { useEffect, useState } from 'preact/hooks'

/** Changes with the colour scheme, so that a canvas is drawn again: its colours do not change automatically. */
export function useScheme(): string {
  const [scheme, setScheme] = useState('')
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const look = () => setScheme(`${document.documentElement.dataset.theme} ${query.matches}`)
    const observer = new MutationObserver(look)
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    query.addEventListener('change', look)
    return () => {
      observer.disconnect()
      query.removeEventListener('change', look)
    }
  }, [])
  return scheme
}
