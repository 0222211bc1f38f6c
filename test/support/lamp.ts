import { assign, createActor, setup, type InspectionEvent } from 'xstate'

/** A foreign machine: nested, with a guard, a delay, and a counter. */
export const lamp = setup({
  types: {
    context: {} as { presses: number; note?: unknown },
    events: {} as { type: 'PRESS' } | { type: 'NOTE'; note: unknown },
  },
  guards: { worksStill: ({ context }) => context.presses < 1_000_000 },
  actions: { count: assign({ presses: ({ context }) => context.presses + 1 }) },
  delays: { untilDark: 60_000 },
}).createMachine({
  id: 'lamp',
  context: { presses: 0 },
  initial: 'off',
  on: { NOTE: { actions: assign({ note: ({ event }) => event.note }) } },
  states: {
    off: { on: { PRESS: { guard: 'worksStill', target: 'on', actions: 'count' } } },
    on: {
      initial: 'bright',
      after: { untilDark: 'off' },
      on: { PRESS: 'off' },
      states: { bright: {}, dim: {} },
    },
  },
})

export function startLamp(inspect: (event: InspectionEvent) => void) {
  return createActor(lamp, { inspect }).start()
}
