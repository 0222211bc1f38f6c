import type { Message, PublishProperties } from '../../src/api/message.ts'
import { harmless } from '../terminal.ts'

/** How a message is printed. */
export type MessageFormat = (message: Message) => string | Uint8Array

export interface RawFormatOptions {
  /** Whether the topic stands before the payload. */
  readonly withTopic: boolean
  /** What follows the payload. */
  readonly end: '\n' | ''
  /** Whether control characters are replaced, because a payload must not move the cursor of a terminal. */
  readonly forTerminal: boolean
}

const encoder = new TextEncoder()

/** The payload, byte by byte. */
export function rawFormat({ withTopic, end, forTerminal }: RawFormatOptions): MessageFormat {
  if (forTerminal) {
    return (message) => `${withTopic ? `${harmless(message.topic)} ` : ''}${harmless(message.text())}${end}`
  }
  if (!withTopic && end === '') return ({ payload }) => payload
  const last = encoder.encode(end)
  return ({ topic, payload }) => Buffer.concat([...(withTopic ? [encoder.encode(`${topic} `)] : []), payload, last])
}

/** A line of JSON. `encoding` says whether `payload` is the text or, if it is not UTF-8, Base64. */
export function jsonFormat(now: () => number): MessageFormat {
  return ({ topic, payload, qos, retain, dup, properties }) => {
    const text = textOf(payload)
    const message = {
      time: new Date(now()).toISOString(),
      topic,
      qos,
      retain,
      ...(dup && { dup }),
      ...(properties && { properties: jsonOf(properties) }),
      payload: text ?? base64(payload),
      encoding: text === undefined ? 'base64' : 'utf8',
    }
    return `${JSON.stringify(message)}\n`
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(payload: Uint8Array): string | undefined {
  try {
    return strict.decode(payload)
  } catch {
    return undefined
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** Correlation Data is binary, and therefore Base64. */
function jsonOf({ correlationData, ...properties }: PublishProperties): object {
  return { ...properties, ...(correlationData && { correlationData: base64(correlationData) }) }
}
