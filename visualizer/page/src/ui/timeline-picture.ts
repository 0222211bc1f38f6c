import type { Family } from '../../../protocol.ts'
import { ratesOf, rateWords } from '../model/rates.ts'
import type { Actor, Band } from '../model/types.ts'
import { axis } from './time-axis.ts'

const BAND_TOP = 16
const BAND = 20
const TICKS = 8
const RATE = 22
/** The height of a band says the same as its colour. A failure is as high as a connection, with a line through it. */
const heights: Readonly<Record<Family, number>> = { online: 1, failed: 1, waiting: 0.7, busy: 0.45, resting: 0.2 }
/** The worst first. */
const worst: readonly Family[] = ['failed', 'waiting', 'busy', 'online', 'resting']

interface Course extends Pick<Actor, 'samples'> {
  readonly bands: readonly Band[]
}

interface Picture {
  readonly actor: Course
  readonly left: number
  readonly scale: number
  readonly width: number
  readonly now: number
  /** The moment that is marked; `null` for none. */
  readonly at: number | null
}

/** Draws the bands of states, a tick for each attempt, the message rates, and a mark at the selected moment. */
export function draw(canvas: HTMLCanvasElement, { actor, left, scale, width, now, at }: Picture): void {
  const height = canvas.clientHeight
  const ratio = devicePixelRatio
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio)
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio)
  const pen = canvas.getContext('2d')
  if (!pen) return
  const style = getComputedStyle(canvas)
  const color = (name: string) => style.getPropertyValue(name)
  const families: Readonly<Record<Family, string>> = {
    online: color('--online'),
    waiting: color('--waiting'),
    failed: color('--failed'),
    busy: color('--busy'),
    resting: color('--resting'),
  }
  const ground = color('--surface')
  const xOf = (time: number) => (time - left) * scale
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, width, height)
  axis(pen, {
    left,
    scale,
    top: BAND_TOP,
    width,
    height,
    line: color('--line'),
    text: color('--muted'),
    font: style.fontFamily,
  })

  pen.fillStyle = color('--sunken')
  pen.fillRect(0, BAND_TOP, width, BAND)
  const { bands } = actor
  let drawn: { column: number; family: Family } = { column: -1, family: 'resting' }
  for (let index = bands.length - 1; index >= 0; index--) {
    const band = bands[index]
    if (!band) continue
    const x = Math.max(0, xOf(band.start))
    const end = Math.min(width, xOf(bands[index + 1]?.start ?? now))
    if (end < 0) break
    if (x > width) continue
    // Even the shortest state must be visible. If several share a pixel, the worst is drawn.
    const column = Math.floor(x)
    const brief = end - x < 1
    if (!brief || column !== drawn.column || worst.indexOf(band.family) < worst.indexOf(drawn.family)) {
      pen.fillStyle = families[band.family]
      const tall = BAND * heights[band.family]
      pen.fillRect(brief ? column : x, BAND_TOP + BAND - tall, Math.max(1, end - x), tall)
      if (band.family === 'failed') notch(pen, x, end, ground)
      if (brief) drawn = { column, family: band.family }
    }
    if (band.attempt && xOf(band.start) >= 0) {
      pen.fillStyle = families.busy
      pen.fillRect(xOf(band.start), BAND_TOP + BAND + 3, 1.5, TICKS)
    }
  }
  rates(pen, actor, {
    xOf,
    left,
    right: left + width / scale,
    base: BAND_TOP + BAND + TICKS + 6 + RATE,
    color: color('--busy'),
    text: color('--muted'),
    ground: color('--surface'),
  })

  if (at !== null) {
    const x = xOf(at)
    pen.fillStyle = color('--text')
    pen.fillRect(x - 1, BAND_TOP - 5, 2, BAND + 10)
    pen.beginPath()
    pen.moveTo(x - 5, BAND_TOP - 8)
    pen.lineTo(x + 5, BAND_TOP - 8)
    pen.lineTo(x, BAND_TOP - 2)
    pen.fill()
  }
}

/** Marks a failure by a line through its band. */
function notch(pen: CanvasRenderingContext2D, x: number, end: number, ground: string): void {
  pen.fillStyle = ground
  pen.fillRect(x, BAND_TOP + BAND / 2 - 1, Math.max(1, end - x), 2)
}

interface Rates {
  readonly xOf: (time: number) => number
  readonly left: number
  readonly right: number
  readonly base: number
  readonly color: string
  readonly text: string
  readonly ground: string
}

/** Draws the messages per second. The scale ends at the highest visible rate, which is written beside it. */
function rates(pen: CanvasRenderingContext2D, { samples }: Course, picture: Rates): void {
  const { xOf, left, right, base, color, text, ground } = picture
  const inSight = ratesOf(samples, left, right)
  const highest = Math.max(0, ...inSight.map(({ rate }) => rate))
  if (highest === 0) return
  pen.globalAlpha = 0.25
  pen.fillStyle = color
  pen.beginPath()
  for (const { start, end, rate } of inSight) {
    const height = (rate / highest) * RATE
    pen.rect(xOf(start), base - height, xOf(end) - xOf(start), height)
  }
  pen.fill()
  pen.globalAlpha = 1
  const words = `messages, up to ${rateWords(highest)}`
  pen.lineWidth = 3
  pen.strokeStyle = ground
  pen.strokeText(words, 4, base - RATE + 9)
  pen.fillStyle = text
  pen.fillText(words, 4, base - RATE + 9)
}
