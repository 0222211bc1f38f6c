import { createMachine } from 'xstate'

/** A machine that does not belong to the library. */
export const trafficLight = createMachine({
  id: 'traffic light',
  initial: 'green',
  states: {
    green: { on: { CHANGE: 'yellow' }, after: { 60_000: 'yellow' } },
    yellow: { on: { CHANGE: 'red' } },
    red: {
      initial: 'walk',
      on: { CHANGE: 'green' },
      states: { walk: { on: { HURRY: 'wait' } }, wait: {} },
    },
  },
})
