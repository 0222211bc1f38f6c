import { type Condition, conditions } from '../model/condition.ts'
import type { Heat } from '../model/heat.ts'
import { axis } from './time-axis.ts'

const TOP = 16

interface HeatPicture {
  readonly heat: Heat
  /** How many connections there are now. There may have been more. */
  readonly all: number
  readonly left: number
  readonly span: number
  readonly width: number
  readonly at: number | null
}

/** Draws each column as a stack: the worst on top, so that trouble hangs down from the upper edge. */
export function drawHeat(canvas: HTMLCanvasElement, { heat, all, left, span, width, at }: HeatPicture): void {
  const height = canvas.clientHeight
  const ratio = devicePixelRatio
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  const pen = canvas.getContext('2d')
  if (!pen || all === 0) return
  const style = getComputedStyle(canvas)
  const color = (name: string) => style.getPropertyValue(name)
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, width, height)
  const scale = width / span
  axis(pen, {
    left,
    scale,
    top: TOP,
    width,
    height,
    line: color('--line'),
    text: color('--muted'),
    font: style.fontFamily,
  })
  const room = height - TOP - 1
  pen.fillStyle = color('--sunken')
  pen.fillRect(0, TOP, width, room)
  const columns = heat.online.length
  const colours = Object.fromEntries(conditions.map((each) => [each, color(`--${each}`)])) as Record<Condition, string>
  // Whole pixels of the screen, so that no ground shows between the columns.
  const edgeOf = (column: number) => Math.round((column / columns) * width * ratio) / ratio
  for (let column = 0; column < columns; column++) {
    let y = TOP
    const most = conditions.reduce((sum, condition) => sum + (heat[condition][column] ?? 0), 0)
    const [x, next] = [edgeOf(column), edgeOf(column + 1)]
    for (const condition of conditions) {
      const count = heat[condition][column] ?? 0
      if (count === 0) continue
      // A single one among thousands must be visible too.
      const part = Math.max(
        condition === 'online' || condition === 'resting' ? 0 : 2,
        (count / Math.max(all, most)) * room,
      )
      pen.fillStyle = colours[condition]
      pen.fillRect(x, y, next - x, Math.max(0, Math.min(part, TOP + room - y)))
      y += part
    }
  }
  if (at === null) return
  const x = Math.max(1, Math.min(width - 1, (at - left) * scale))
  pen.fillStyle = color('--surface')
  pen.fillRect(x - 2.5, TOP - 5, 5, room + 6)
  pen.fillStyle = color('--text')
  pen.fillRect(x - 1, TOP - 5, 2, room + 6)
}
