import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'

import type { Message, PublishProperties, PublishResult } from '../src/index.ts'
import type { MessageTap, PublishTap, TappedPublish, TapSlot } from '../src/session/message-tap.ts'
import { byteLength } from '../src/shared/byte-length.ts'
import { isThenable } from '../src/shared/thenable.ts'
import type { MessageMetrics } from './message-metrics.ts'
import { MetricAttributes } from './metric-attributes.ts'
import {
  DESTINATION,
  DUP,
  ERROR_TYPE,
  PROCESS,
  PUBLISH,
  QOS,
  REASON_CODE,
  RETAIN,
  SUBSCRIPTION,
  SYSTEM,
} from './names.ts'
import type { Instrumentation } from './options.ts'
import { errorType, type Problems } from './problems.ts'
import { checkCarrier, getter, setter, sizeOf, type UserProperties } from './user-properties.ts'

/** The contexts of the messages that loops have taken. */
const contexts = new WeakMap<object, Context>()

/**
 * Returns the context of a received message: that of its `process` span, in which a handler runs anyway. A loop has no way to
 * run in it: `context.with(contextOf(message), () => …)` makes spans its children.
 */
export function contextOf(message: Message<unknown>): Context {
  return contexts.get(message) ?? context.active()
}

/** A span, and what its metrics need. */
interface Operation {
  readonly span: Span
  readonly context: Context
  readonly template: string | undefined
  readonly startedAt: number
}

/** Makes spans and metrics of the messages of one client. */
export class MessageSpans implements MessageTap {
  readonly #slot: TapSlot
  readonly #options: Instrumentation
  readonly #tracer: Tracer
  readonly #metrics: MessageMetrics
  readonly #problems: Problems
  readonly #published: MetricAttributes
  readonly #processed: MetricAttributes

  constructor(slot: TapSlot, options: Instrumentation, tracer: Tracer, metrics: MessageMetrics, problems: Problems) {
    this.#slot = slot
    this.#options = options
    this.#tracer = tracer
    this.#metrics = metrics
    this.#problems = problems
    this.#published = new MetricAttributes({ ...SYSTEM, ...PUBLISH, ...options.attributes })
    this.#processed = new MetricAttributes({ ...SYSTEM, ...PROCESS, ...options.attributes })
  }

  publishing(publish: TappedPublish): PublishTap {
    const begun = this.#problems.guard('a publish span', () => this.#publishing(publish))
    return begun ?? { properties: publish.properties, succeeded: () => {}, failed: () => {} }
  }

  processing<Value>(
    message: Message<Value>,
    filter: string | undefined,
    handler: (message: Message<Value>) => unknown,
  ): unknown {
    const operation = this.#problems.guard('a process span', () => this.#process(message, filter))
    if (!operation) return handler(message)
    let isCalled = false
    const call = () => {
      isCalled = true
      return handler(message)
    }
    let result: unknown
    try {
      result = context.with(operation.context, call)
    } catch (error) {
      // The context manager is the application's, too.
      if (!isCalled) return handler(message)
      this.#endProcess(operation, errorType(error))
      throw error
    }
    if (!isThenable(result)) {
      this.#endProcess(operation)
      return result
    }
    return Promise.resolve(result).then(
      (value: unknown) => {
        this.#endProcess(operation)
        return value
      },
      (error: unknown) => {
        this.#endProcess(operation, errorType(error))
        throw error
      },
    )
  }

  taken(message: Message<unknown>, filter: string): () => void {
    const operation = this.#problems.guard('a process span', () => this.#process(message, filter))
    if (!operation) return () => {}
    contexts.set(message, operation.context)
    return () => this.#endProcess(operation)
  }

  #publishing(publish: TappedPublish): PublishTap {
    const { topic, qos, retain, properties } = publish
    const { propagator } = this.#options
    const given = properties?.userProperties
    // The semantic conventions ask to leave a context of the application as it is, and to link to it.
    const isGiven =
      given !== undefined &&
      this.#problems.guard('the propagator', () => propagator.fields().some((field) => Object.hasOwn(given, field))) ===
        true
    const template = this.#template(topic)
    const attributes: Attributes = { ...this.#published.of(undefined, template, undefined) }
    attributes[DESTINATION] = topic
    attributes[QOS] = qos
    if (retain) attributes[RETAIN] = true
    const startedAt = performance.now()
    const active = context.active()
    const span = this.#tracer.startSpan(
      nameOf(PUBLISH, template),
      {
        kind: SpanKind.PRODUCER,
        attributes,
        links: isGiven ? linksTo(this.#sentWith(given)) : [],
      },
      active,
    )
    const operation = { span, context: trace.setSpan(active, span), template, startedAt }
    let isSettled = false
    const settled = (wasSent: boolean, error?: string, result?: PublishResult) => {
      if (isSettled) return
      isSettled = true
      this.#problems.guard('the end of a publish span', () => this.#endPublish(operation, wasSent, error, result))
    }
    return {
      properties: isGiven ? properties : this.#withContext(publish, operation.context),
      succeeded: (result) => settled(true, undefined, result),
      failed: (error, wasSent) => settled(wasSent, errorType(error)),
    }
  }

  #endPublish(
    { span, template, startedAt }: Operation,
    wasSent: boolean,
    error?: string,
    result?: PublishResult,
  ): void {
    const counted = this.#published.of(this.#slot.peer?.server, template, error)
    if (wasSent) this.#metrics.sentMessages.add(1, counted)
    this.#metrics.operationDuration.record((performance.now() - startedAt) / 1_000, counted)
    // The server may not have been known before.
    if (span.isRecording()) span.setAttributes(counted)
    if (result && result.reasonCode > 0) span.setAttribute(REASON_CODE, result.reasonCode)
    end(span, error)
  }

  /** Adds the trace context to the user properties, if the packet may have them. */
  #withContext({ topic, payload, properties }: TappedPublish, sent: Context): PublishProperties | undefined {
    const { protocolVersion = 5, broker } = this.#slot
    if (protocolVersion < 5) return properties
    const maximumPacketSize = broker?.maximumPacketSize ?? Number.POSITIVE_INFINITY
    const carrier: Record<string, string> = {}
    const isWhole = this.#problems.guard('the propagator', () => {
      this.#options.propagator.inject(sent, carrier, setter)
      checkCarrier(carrier)
      return true
    })
    if (!isWhole || Object.keys(carrier).length === 0) return properties
    const userProperties: UserProperties = { ...properties?.userProperties, ...carrier }
    if (Number.isFinite(maximumPacketSize)) {
      // The broker takes the message without a context, perhaps, but not with it.
      const size = byteLength(topic) + byteLength(payload) + sizeOf(userProperties) + ROOM
      if (size > maximumPacketSize) return properties
    }
    return { ...properties, userProperties }
  }

  #process(message: Message<unknown>, filter: string | undefined): Operation {
    const { topic, qos, retain, dup, properties } = message
    const given = properties?.userProperties
    // Not the active context: it is that of the code that opened the connection.
    const sent = given ? this.#sentWith(given) : ROOT_CONTEXT
    const template = this.#template(topic)
    const attributes: Attributes = { ...this.#processed.of(this.#slot.peer?.server, template, undefined) }
    attributes[DESTINATION] = topic
    attributes[QOS] = qos
    if (filter !== undefined) attributes[SUBSCRIPTION] = filter
    if (retain) attributes[RETAIN] = true
    if (dup) attributes[DUP] = true
    const startedAt = performance.now()
    // A retained message may have been published long ago: its trace is over.
    const parent = retain ? trace.deleteSpan(sent) : sent
    const span = this.#tracer.startSpan(
      nameOf(PROCESS, template),
      {
        kind: SpanKind.CONSUMER,
        attributes,
        links: linksTo(sent),
      },
      parent,
    )
    const own = trace.setSpan(parent, span)
    return { span, context: own, template, startedAt }
  }

  #endProcess({ span, template, startedAt }: Operation, error?: string): void {
    this.#problems.guard('the end of a process span', () => {
      const counted = this.#processed.of(this.#slot.peer?.server, template, error)
      this.#metrics.consumedMessages.add(1, counted)
      this.#metrics.processDuration.record((performance.now() - startedAt) / 1_000, counted)
      end(span, error)
    })
  }

  /** The context that a message carries. */
  #sentWith(given: UserProperties): Context {
    const extract = () => this.#options.propagator.extract(ROOT_CONTEXT, given, getter)
    return this.#problems.guard('the propagator', extract) ?? ROOT_CONTEXT
  }

  #template(topic: string): string | undefined {
    const { destinationTemplate } = this.#options
    if (!destinationTemplate) return undefined
    const template: unknown = this.#problems.guard('destinationTemplate', () => destinationTemplate(topic))
    return typeof template === 'string' ? template : undefined
  }
}

/** Of a packet, for its fixed header and properties of a fixed size. */
const ROOM = 64

function nameOf(operation: { readonly 'messaging.operation.name': string }, template: string | undefined): string {
  const name = operation['messaging.operation.name']
  return template === undefined ? name : `${name} ${template}`
}

function linksTo(sent: Context): Link[] {
  const linked = trace.getSpanContext(sent)
  return linked && isSpanContextValid(linked) ? [{ context: linked }] : []
}

/** Without the message of the error, which may contain a payload. */
function end(span: Span, error: string | undefined): void {
  if (error !== undefined) span.setAttribute(ERROR_TYPE, error).setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
