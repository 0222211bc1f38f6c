import { InvalidOptionError } from '../src/api/errors.ts'
import { tapSlotOf } from '../src/client.ts'
import { followClients } from '../src/fleet/fleet.ts'
import { type Fleet, ResilientMqttClient } from '../src/index.ts'
import { MessageSpans } from './message-spans.ts'
import { MeterGroup } from './meter-group.ts'
import { SCOPE } from './names.ts'
import { type InstrumentOptions, parseInstrumentOptions } from './options.ts'
import { Problems } from './problems.ts'

const instrumentedFleets = new WeakSet<Fleet>()

/**
 * Makes spans and metrics of a client, or of all clients of a fleet: see docs/observability.md. On MQTT 5 the trace context
 * travels in the user properties of publishes. Errors of the SDK never reach the client: they go to OpenTelemetry's
 * diagnostic logger. Payloads and credentials are in no span and no metric.
 *
 * @returns stops it. Spans of publishes that are not settled end when they are
 * @throws {InvalidOptionError} if an option is wrong, or the client or the fleet is instrumented already
 */
export function instrument(target: ResilientMqttClient | Fleet, options: InstrumentOptions = {}): () => void {
  const parsed = parseInstrumentOptions(options)
  const { tracerProvider, meterProvider, attributes } = parsed
  const tracer = tracerProvider.getTracer(SCOPE)
  const group = MeterGroup.of(meterProvider)
  const problems = new Problems()
  const stops = new Map<ResilientMqttClient, () => void>()

  const follow = (client: ResilientMqttClient) => {
    const slot = tapSlotOf(client)
    const tap = new MessageSpans(slot, parsed, tracer, group.messages, problems)
    const stopObserving = group.add(client, slot, attributes)
    slot.tap = tap
    stops.set(client, () => {
      stops.delete(client)
      if (slot.tap === tap) slot.tap = undefined
      stopObserving()
    })
  }
  const stopAll = () => {
    for (const stop of stops.values()) stop()
  }

  if (target instanceof ResilientMqttClient) {
    if (tapSlotOf(target).tap) throw alreadyInstrumented()
    follow(target)
    return stopAll
  }
  const stopFollowing = followClients(fleetOf(target), {
    // It must not throw into `createClient`.
    joined: (client) => problems.guard('the meter', () => follow(client)),
    left: (client) => stops.get(client)?.(),
  })
  if (!stopFollowing) throw notInstrumentable(target)
  instrumentedFleets.add(target)
  return () => {
    stopFollowing()
    instrumentedFleets.delete(target)
    stopAll()
  }
}

function fleetOf(target: Fleet): Fleet {
  if (typeof target !== 'object' || target === null || !(target.clients instanceof Set)) throw notInstrumentable(target)
  if (instrumentedFleets.has(target)) throw alreadyInstrumented()
  for (const client of target.clients) {
    if (!(client instanceof ResilientMqttClient)) throw notInstrumentable(target)
    if (tapSlotOf(client).tap) throw alreadyInstrumented()
  }
  return target
}

function notInstrumentable(target: unknown): InvalidOptionError {
  return new InvalidOptionError('target', 'must be a ResilientMqttClient or a Fleet', target)
}

function alreadyInstrumented(): InvalidOptionError {
  return new InvalidOptionError('target', 'must not be instrumented already: call what instrument() returned first')
}
