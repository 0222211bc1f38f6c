import type { Point } from './layout.ts'

const RADIUS = 7

/** The SVG path of a line with round corners. */
export function rounded(points: readonly Point[]): string {
  const [first, ...rest] = points
  if (!first) return ''
  let path = `M${first[0]} ${first[1]}`
  let previous = first
  for (const [index, point] of rest.entries()) {
    const next = rest[index + 1]
    if (!next) {
      path += `L${point[0]} ${point[1]}`
    } else {
      const radius = Math.min(RADIUS, distance(previous, point) / 2, distance(point, next) / 2)
      const into = towards(point, previous, radius)
      const out = towards(point, next, radius)
      path += `L${into[0]} ${into[1]}Q${point[0]} ${point[1]} ${out[0]} ${out[1]}`
    }
    previous = point
  }
  return path
}

/** The SVG path of an arrow's head. */
export function head(before: Point, to: Point): string {
  const back = towards(to, before, 8)
  const [dx, dy] = [(to[0] - back[0]) / 2, (to[1] - back[1]) / 2]
  return `M${to[0]} ${to[1]}L${back[0] - dy} ${back[1] + dx}L${back[0] + dy} ${back[1] - dx}Z`
}

/** The point at a distance along a line, but not beyond the middle of its first part. */
export function along(points: readonly Point[], length: number): Point {
  const [from, to] = points
  if (!from || !to) return [0, 0]
  return towards(from, to, Math.min(length, distance(from, to) / 2))
}

function towards(from: Point, to: Point, length: number): Point {
  const full = distance(from, to) || 1
  return [from[0] + ((to[0] - from[0]) * length) / full, from[1] + ((to[1] - from[1]) * length) / full]
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1])
}
