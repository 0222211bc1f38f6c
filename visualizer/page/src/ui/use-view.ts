import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

import type { Box, Layout } from '../../../chart/layout.ts'
import { useSize } from './hooks.ts'

type ViewBox = readonly [x: number, y: number, width: number, height: number]

/** Below this scale a chart is unreadable. It then follows the current state instead of showing the whole chart. */
const READABLE = 0.4
const FOLLOW_SCALE = 0.85
/** Of the frame, on both sides together. In pixels. */
const PADDING = 8

/** The visible part of a drawing: the whole drawing, the surroundings of the current state, or where it was moved to. */
export function useView(frame: RefObject<HTMLElement | null>, layout: Layout, focus: Box | undefined) {
  const [mode, setMode] = useState<'fit' | 'follow' | 'free'>('fit')
  const [free, setFree] = useState<ViewBox>([0, 0, layout.width, layout.height])
  const room = useSize(frame, 1, 1)
  const dragged = useRef<{ x: number; y: number; box: ViewBox } | null>(null)
  const moved = useRef(false)
  const all: ViewBox = [0, 0, layout.width, layout.height]

  useEffect(() => {
    const element = frame.current
    if (!element) return
    const scale = Math.min(element.clientWidth / layout.width, element.clientHeight / layout.height)
    setMode(scale < READABLE ? 'follow' : 'fit')
  }, [layout])

  const around = (): ViewBox => {
    if (!focus) return all
    const [width, height] = [room.width / FOLLOW_SCALE, room.height / FOLLOW_SCALE]
    const x = within(focus.x + focus.width / 2 - width / 2, layout.width - width)
    const y = within(focus.y + focus.height / 2 - height / 2, layout.height - height)
    return [x, y, width, height]
  }
  const box = { fit: all, follow: around(), free }[mode]
  const change = (next: ViewBox) => {
    setFree(next)
    setMode('free')
  }
  const zoom = (factor: number, cx = 0.5, cy = 0.5) => {
    const [x, y, width, height] = box
    const smallest = 160
    const limited = Math.min(factor, width / smallest)
    const [w, h] = [width / limited, height / limited]
    if (w > layout.width * 3) return
    change([x + (width - w) * cx, y + (height - h) * cy, w, h])
  }
  const move = (dx: number, dy: number) => change([box[0] + dx * box[2], box[1] + dy * box[3], box[2], box[3]])
  const fit = () => setMode('fit')
  const follow = () => setMode('follow')

  const keys: Readonly<Record<string, () => void>> = {
    '+': () => zoom(1.25),
    '=': () => zoom(1.25),
    '-': () => zoom(1 / 1.25),
    '0': fit,
    f: follow,
    ArrowLeft: () => move(-0.1, 0),
    ArrowRight: () => move(0.1, 0),
    ArrowUp: () => move(0, -0.1),
    ArrowDown: () => move(0, 0.1),
  }
  const handlers = {
    onKeyDown: (event: KeyboardEvent) => {
      const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key]
      if (!act) return
      event.preventDefault()
      act()
    },
    onWheel: (event: WheelEvent) => {
      // Without this key, the wheel scrolls the page as usual.
      if (!event.ctrlKey && !event.metaKey) return
      event.preventDefault()
      const bounds = frame.current?.getBoundingClientRect()
      if (!bounds) return
      const at = [(event.clientX - bounds.left) / bounds.width, (event.clientY - bounds.top) / bounds.height] as const
      zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12, ...at)
    },
    onPointerDown: (event: PointerEvent) => {
      moved.current = false
      if (event.button === 0) dragged.current = { x: event.clientX, y: event.clientY, box }
    },
    onPointerMove: (event: PointerEvent) => {
      const start = dragged.current
      if (!start || event.buttons === 0) return
      const [dx, dy] = [event.clientX - start.x, event.clientY - start.y]
      if (mode !== 'free' && Math.hypot(dx, dy) < 5) return
      moved.current = true
      const scale = Math.max(start.box[2] / room.width, start.box[3] / room.height)
      change([start.box[0] - dx * scale, start.box[1] - dy * scale, start.box[2], start.box[3]])
    },
    onPointerUp: () => {
      dragged.current = null
    },
    // The end of a drag is not a click on the state below the pointer.
    onClickCapture: (event: MouseEvent) => {
      if (moved.current) event.stopPropagation()
      moved.current = false
    },
  }
  const scale = Math.min((room.width - PADDING) / box[2], (room.height - PADDING) / box[3])
  return { box, mode, scale, zoom, fit, follow, handlers }
}

/** Keeps a position within the drawing. If the drawing is smaller than the frame, it is centred. */
function within(position: number, last: number): number {
  return last < 0 ? last / 2 : Math.min(Math.max(0, position), last)
}
