export { instrument } from './instrument.ts'
export { contextOf } from './message-spans.ts'
export type { InstrumentOptions } from './options.ts'
