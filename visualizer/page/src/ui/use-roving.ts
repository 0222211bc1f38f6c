import type { RefObject } from 'preact'

/**
 * Moves the focus between the buttons of a grid by the arrow keys, Home and End: one of them can be reached by the tab key.
 * Up and down lead to the nearest one of the next row, as rows may have any length.
 */
export function useRoving(list: RefObject<HTMLElement | null>): (event: KeyboardEvent) => void {
  return (event) => {
    const buttons = [...(list.current?.querySelectorAll<HTMLElement>('button[data-id]') ?? [])]
    const at = buttons.indexOf(document.activeElement as HTMLElement)
    const step = steps[event.key]
    if (at < 0 || !step || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    buttons[Math.max(0, Math.min(buttons.length - 1, step(buttons, at)))]?.focus()
  }
}

type Step = (buttons: readonly HTMLElement[], at: number) => number

const PAGE = 5

const steps: Readonly<Record<string, Step>> = {
  ArrowRight: (_, at) => at + 1,
  ArrowLeft: (_, at) => at - 1,
  ArrowDown: (buttons, at) => nextRow(buttons, at, 1),
  ArrowUp: (buttons, at) => nextRow(buttons, at, -1),
  PageDown: (buttons, at) => rows(buttons, at, 1),
  PageUp: (buttons, at) => rows(buttons, at, -1),
  Home: () => 0,
  End: (buttons) => buttons.length - 1,
}

function rows(buttons: readonly HTMLElement[], at: number, direction: 1 | -1): number {
  let place = at
  for (let row = 0; row < PAGE; row++) place = nextRow(buttons, place, direction)
  return place
}

function nextRow(buttons: readonly HTMLElement[], at: number, direction: 1 | -1): number {
  const from = buttons[at]?.getBoundingClientRect()
  if (!from) return at
  let best = at
  let distance = Number.POSITIVE_INFINITY
  let row: number | undefined
  for (let place = at + direction; place >= 0 && place < buttons.length; place += direction) {
    const box = buttons[place]?.getBoundingClientRect()
    if (!box || Math.abs(box.top - from.top) < 2) continue
    row ??= box.top
    if (Math.abs(box.top - row) > 2) break
    const away = Math.abs(box.left - from.left)
    if (away < distance) [best, distance] = [place, away]
  }
  return best
}
