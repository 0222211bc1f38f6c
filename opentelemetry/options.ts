import {
  type Attributes,
  metrics,
  type MeterProvider,
  propagation,
  type TextMapPropagator,
  trace,
  type TracerProvider,
} from '@opentelemetry/api'

import { InvalidOptionError } from '../src/api/errors.ts'
import { callback, data, methods, must } from '../src/shared/option-rules.ts'
import { entriesOf, isObject, readCallOptions, type RulesFor } from '../src/shared/read-options.ts'

/** Options of `instrument`. */
export interface InstrumentOptions {
  /** @default the global one */
  readonly tracerProvider?: TracerProvider
  /** @default the global one at this moment: register the SDK first */
  readonly meterProvider?: MeterProvider
  /**
   * Puts the trace context into the user properties of a publish, and reads it from those of a message.
   *
   * @default the global one, which the SDK usually sets to W3C Trace Context and Baggage
   */
  readonly propagator?: Pick<TextMapPropagator, 'inject' | 'extract' | 'fields'>
  /**
   * Returns a name that stands for all topics of a kind, such as `sensor/{id}/temperature`. It becomes part of the names of
   * spans, and the attribute `messaging.destination.template` of spans and metrics, so there must be few such names.
   *
   * @default none: metrics do not tell topics apart
   */
  readonly destinationTemplate?: (topic: string) => string | undefined
  /** Added to all spans and metrics, to tell a client from others, say. @default none */
  readonly attributes?: Attributes
}

/** The options, with their defaults. */
export interface Instrumentation {
  readonly tracerProvider: TracerProvider
  readonly meterProvider: MeterProvider
  readonly propagator: Pick<TextMapPropagator, 'inject' | 'extract' | 'fields'>
  readonly destinationTemplate: ((topic: string) => string | undefined) | undefined
  readonly attributes: Attributes
}

const attribute = must(
  'must be a string, a number, a boolean, or a list of these',
  (value) => value === undefined || [value].flat().every((each) => /^(string|number|boolean)$/.test(typeof each)),
)

const rules = {
  tracerProvider: methods('getTracer'),
  meterProvider: methods('getMeter'),
  propagator: methods('inject', 'extract', 'fields'),
  destinationTemplate: callback,
  attributes: (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object', value)
    for (const [name, each] of entriesOf(value)) attribute(`${option}.${name}`, each)
    return data(option, value)
  },
} satisfies RulesFor<InstrumentOptions>

/** Checks the options and adds the defaults. @throws {InvalidOptionError} */
export function parseInstrumentOptions(options: InstrumentOptions): Instrumentation {
  const { tracerProvider, meterProvider, propagator, destinationTemplate, attributes } = readCallOptions(
    'instrument',
    options,
    rules,
  )
  return {
    tracerProvider: tracerProvider ?? trace.getTracerProvider(),
    meterProvider: meterProvider ?? metrics.getMeterProvider(),
    propagator: propagator ?? propagation,
    destinationTemplate,
    attributes: attributes ?? {},
  }
}
