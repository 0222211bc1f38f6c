/**
 * Metrics for Prometheus, spans, and probes for an orchestrator. A sensor publishes a reading each second, and a display
 * receives it. Needs the packages of OpenTelemetry that are imported here; on Node 20, their versions 2.
 *
 *   npx tsx examples/opentelemetry.ts                          a broker in this process
 *   npx tsx examples/opentelemetry.ts mqtt://localhost:1883    your broker, with MQTT 5: one trace has both ends
 *   curl localhost:9464/metrics                                also /live and /ready; PORT=… for another port
 */
import { context, propagation } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { ResilientMqttClient } from 'xstate-mqtt'
import { instrument } from 'xstate-mqtt/opentelemetry'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

// An application has this in a file that is loaded first, or uses @opentelemetry/sdk-node.
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
const prometheus = new PrometheusExporter({ preventServerStart: true })
const meterProvider = new MeterProvider({ readers: [prometheus] })
/** Prints a line for each span. In production, an exporter sends them to a collector. */
const printer: SpanExporter = {
  export(spans, done) {
    for (const span of spans) {
      const from = span.parentSpanContext ? 'continues' : 'begins'
      const topic = String(span.attributes['messaging.destination.name'])
      console.log(`span: ${span.name} of ${topic} ${from} trace ${span.spanContext().traceId}`)
    }
    done({ code: ExportResultCode.SUCCESS })
  },
  shutdown: () => Promise.resolve(),
}
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(printer)] })

const url = process.argv[2]
const broker = url ? { url } : await createEmbeddedBroker()
const options = { protocolVersion: url ? 5 : 4 } as const
const sensor = new ResilientMqttClient({ url: broker.url, options })
const display = new ResilientMqttClient({ url: broker.url, options })
/** There are few such names, so metrics may have them. */
const destinationTemplate = (topic: string) => topic.replace(/^room\/\d+/, 'room/{id}')
for (const [role, client] of Object.entries({ sensor, display })) {
  instrument(client, { tracerProvider, meterProvider, destinationTemplate, attributes: { role } })
}

const server = createServer((request, response) => {
  if (request.url === '/metrics') return prometheus.getMetricsRequestHandler(request, response)
  const health = sensor.health()
  const isHealthy = request.url === '/ready' ? health.ready : health.live
  response.writeHead(isHealthy ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(health))
})
server.listen(Number(process.env.PORT ?? 9464), '127.0.0.1')
await once(server, 'listening')
const address = server.address()
console.log(`metrics: http://127.0.0.1:${typeof address === 'object' ? address?.port : address}/metrics`)

const readings = display.subscribe(
  'room/+/temperature',
  (message) => console.log(`${message.topic}: ${message.text()}`),
  { qos: 1 },
)
await Promise.all([sensor.connect(), display.connect(), readings.ready])
const publishing = setInterval(() => {
  const room = Math.ceil(Math.random() * 3)
  void sensor.publish(`room/${room}/temperature`, (20 + Math.random()).toFixed(1), { qos: 1 })
}, 1_000)

await once(process, 'SIGINT')
clearInterval(publishing)
await Promise.all([sensor[Symbol.asyncDispose](), display[Symbol.asyncDispose]()])
if ('stop' in broker) await broker.stop()
await meterProvider.shutdown()
server.close()
