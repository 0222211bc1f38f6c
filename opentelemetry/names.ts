// Names of the semantic conventions 1.45, most of which are still in development, and names of our own: those with `mqtt`.

/** The name of the tracer and of the meter. */
export const SCOPE = 'xstate-mqtt'

/** There is no value for MQTT yet. */
export const SYSTEM = { 'messaging.system.name': 'mqtt' } as const

export const PUBLISH = { 'messaging.operation.name': 'publish', 'messaging.operation.type': 'send' } as const
export const PROCESS = { 'messaging.operation.name': 'process', 'messaging.operation.type': 'process' } as const

export const DESTINATION = 'messaging.destination.name'
export const TEMPLATE = 'messaging.destination.template'
export const SUBSCRIPTION = 'messaging.destination.subscription.name'
export const ERROR_TYPE = 'error.type'

export const QOS = 'mqtt.message.qos'
export const RETAIN = 'mqtt.message.retain'
export const DUP = 'mqtt.message.dup'
export const REASON_CODE = 'mqtt.reason_code'

export const CLIENT_STATE = 'mqtt.client.state'
export const OUTCOME = 'mqtt.outcome'
export const INBOX_STATE = 'mqtt.inbox.state'
export const SUBSCRIPTION_STATE = 'mqtt.subscription.state'
export const DIRECTION = 'network.io.direction'
