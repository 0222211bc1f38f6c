import { InvalidPacketError } from './invalid-packet.ts'
import { readText } from './text.ts'

/** Without wildcards (MQTT 5 §4.7.1). On the path of each message a regular expression would take twice as long. */
export function isTopicName(topic: string): boolean {
  return !topic.includes('+') && !topic.includes('#')
}

/**
 * Reads a Topic Name (MQTT 5 §3.3.2.1) behind its length. It may be empty.
 *
 * @throws {InvalidPacketError}
 */
export function readTopic(bytes: Uint8Array, start: number, end: number, header: number): string {
  const topic = readText(bytes, start, end, header)
  if (!isTopicName(topic)) throw new InvalidPacketError('topicWildcard', header)
  return topic
}
