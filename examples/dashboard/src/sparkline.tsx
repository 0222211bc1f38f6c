/** @jsxImportSource react */
import { HISTORY, type Reading } from './plant.ts'

const WIDTH = 240
const HEIGHT = 56

interface SparklineProps {
  readonly readings: readonly Reading[]
  readonly low: number | undefined
  readonly high: number | undefined
}

/** A minute of readings. Its numbers stand beside it as text. */
export function Sparkline({ readings, low, high }: SparklineProps) {
  const [first, last] = [readings[0], readings.at(-1)]
  const values = readings.map(({ value }) => value)
  const limits = [low, high].filter((limit) => limit !== undefined && isNear(limit, values))
  const bounds = [...values, ...limits.map(Number)]
  const [min, max] = [Math.min(...bounds), Math.max(...bounds)]
  const margin = (max - min || Math.abs(max) || 1) * 0.12
  const x = (at: number) => WIDTH - ((last ? last.at - at : 0) / HISTORY) * WIDTH
  const y = (value: number) => HEIGHT - ((value - min + margin) / (max - min + 2 * margin)) * HEIGHT
  const line = readings.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {limits.map((limit) => (
        <line key={limit} className="limit" x1="0" x2={WIDTH} y1={y(Number(limit))} y2={y(Number(limit))} />
      ))}
      {first && last && readings.length > 1 && (
        <>
          <polygon className="area" points={`${x(first.at)},${HEIGHT} ${line} ${x(last.at)},${HEIGHT}`} />
          <polyline className="line" points={line} />
        </>
      )}
    </svg>
  )
}

/** Whether a limit is so near that it does not flatten the line. */
function isNear(limit: number, values: readonly number[]): boolean {
  if (values.length === 0) return false
  const [min, max] = [Math.min(...values), Math.max(...values)]
  const span = Math.max(max - min, Math.abs(max) * 0.05)
  return limit > min - 2 * span && limit < max + 2 * span
}
