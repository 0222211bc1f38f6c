import type { BatchMessage, Timestamped } from '../protocol.ts'
import { isObject, parseJson, type Fields } from './json.ts'

/** The approximate maximum size of a frame. A page cannot draw while it handles a frame, so frames must stay small. */
const FRAME_BYTES = 256 * 1024
/** How many messages of one batch are read at most. */
const MAX_BATCH = 10_000

/** Packs messages that are already JSON into as few frames as their size allows. */
export function batches(messages: Iterable<string>): string[] {
  return [...framesOf(messages)]
}

/** Packs messages that are already JSON into frames, one after another. */
export function* framesOf(messages: Iterable<string>): Generator<string, void> {
  let batch: string[] = []
  let size = 0
  for (const message of messages) {
    if (batch.length > 0 && size + message.length > FRAME_BYTES) {
      yield frame(batch)
      batch = []
      size = 0
    }
    batch.push(message)
    size += message.length
  }
  if (batch.length > 0) yield frame(batch)
}

/** Reads the messages in a frame that came over a socket. Anything that is not a message is left out. */
export function messagesOf(text: string): readonly Fields[] {
  const parsed = parseJson(text)
  if (!isObject(parsed) || typeof parsed.type !== 'string') return []
  if (parsed.type !== ('@xstate-mqtt.batch' satisfies BatchMessage<never>['type'])) return [parsed]
  return Array.isArray(parsed.messages) ? parsed.messages.slice(0, MAX_BATCH).filter(isObject) : []
}

/** The time stamp of a message that is made now. */
export function stamp(): Timestamped {
  return { createdAt: String(Date.now()) }
}

function frame(messages: readonly string[]): string {
  return `{"type":"@xstate-mqtt.batch","createdAt":"${Date.now()}","messages":[${messages.join(',')}]}`
}
