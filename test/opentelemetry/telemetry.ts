import { context, type Attributes } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { onTestFinished } from 'vitest'

class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

/** The real SDK, and what it has got. */
export function telemetry() {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  onTestFinished(() => context.disable())
  const exporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  const reader = new Reader()
  const meterProvider = new MeterProvider({ readers: [reader] })

  /** The data points of all metrics. */
  async function points() {
    const { resourceMetrics, errors } = await reader.collect()
    if (errors.length > 0) throw new AggregateError(errors)
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ value, attributes }) => ({
          name: descriptor.name,
          unit: descriptor.unit,
          attributes,
          value: typeof value === 'number' ? value : (value.count ?? Number.NaN),
          sum: typeof value === 'number' ? value : (value.sum ?? Number.NaN),
        })),
      ),
    )
  }

  return {
    providers: { tracerProvider, meterProvider, propagator: new W3CTraceContextPropagator() },
    tracer: tracerProvider.getTracer('test'),
    exporter,
    spans: (): ReadableSpan[] => exporter.getFinishedSpans(),
    points,
    /** The values of a metric, by the attributes that have these names. */
    metric: async (name: string, ...by: string[]): Promise<Record<string, number>> => {
      const found = (await points()).filter((each) => each.name === name)
      return Object.fromEntries(found.map(({ attributes, value }) => [label(attributes, by), value]))
    },
  }
}

function label(attributes: Attributes, by: readonly string[]): string {
  return by.map((name) => attributes[name] ?? '-').join(' ') || 'all'
}
