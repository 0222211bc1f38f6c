import { useEffect } from 'preact/hooks'

import { type Condition, looks } from '../model/condition.ts'
import type { Tab } from '../model/tab.ts'

/** For the icon, whose background is the browser's. The signs make colours unnecessary. */
const colours: Readonly<Record<Condition, string>> = {
  failed: '#dc2626',
  silent: '#6b7280',
  waiting: '#b45309',
  busy: '#2563eb',
  resting: '#6b7280',
  online: '#15803d',
}

/** Shows the state in the title and in the icon of the browser's tab. */
export function useTab({ title, condition }: Tab): void {
  useEffect(() => {
    document.title = title
  }, [title])
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')
    if (icon) icon.href = `data:image/svg+xml,${encodeURIComponent(iconOf(condition))}`
  }, [condition])
}

function iconOf(condition: Condition): string {
  const sign = `<text x="16" y="23" font-family="sans-serif" font-size="20" font-weight="700" text-anchor="middle" fill="#fff">${looks[condition].sign}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="15" fill="${colours[condition]}"/>${sign}</svg>`
}
