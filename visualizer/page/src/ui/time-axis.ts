const MINUTE = 60_000

interface Axis {
  readonly left: number
  readonly scale: number
  /** Where the lines begin, below their times. */
  readonly top: number
  readonly width: number
  readonly height: number
  readonly line: string
  readonly text: string
  readonly font: string
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800]

/** Draws the times, at even distances that leave enough space for them. */
export function axis(pen: CanvasRenderingContext2D, { left, scale, top, width, height, line, text, font }: Axis): void {
  const step = (STEPS.find((seconds) => seconds * 1000 * scale >= 90) ?? 604_800) * 1000
  const offset = new Date(left).getTimezoneOffset() * MINUTE
  pen.font = `11px ${font}`
  for (let time = Math.ceil((left - offset) / step) * step + offset; (time - left) * scale < width; time += step) {
    const x = Math.round((time - left) * scale)
    pen.fillStyle = line
    pen.fillRect(x, top, 1, height - top)
    const date = new Date(time)
    const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0
    const options = { hour: '2-digit', minute: '2-digit', hour12: false } as const
    const words = midnight
      ? date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
      : date.toLocaleTimeString(undefined, step < MINUTE ? { ...options, second: '2-digit' } : options)
    pen.fillStyle = text
    // Half a time is worse than none.
    if (x + 4 + pen.measureText(words).width <= width) pen.fillText(words, x + 4, 10)
  }
}
