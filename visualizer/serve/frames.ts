/** The approximate maximum of a frame: while a page handles a larger one, it cannot draw. */
const FRAME_BYTES = 256 * 1024

/** Packs messages that are JSON already into as few frames as their size allows. */
export function batches(messages: Iterable<string>): string[] {
  const frames: string[] = []
  let batch: string[] = []
  let size = 0
  const end = () => {
    if (batch.length > 0) frames.push(frame(batch))
    batch = []
    size = 0
  }
  for (const message of messages) {
    if (size + message.length > FRAME_BYTES) end()
    batch.push(message)
    size += message.length
  }
  end()
  return frames
}

function frame(messages: readonly string[]): string {
  return `{"type":"@xstate-mqtt.batch","createdAt":"${Date.now()}","messages":[${messages.join(',')}]}`
}

export function now(): { readonly createdAt: string } {
  return { createdAt: String(Date.now()) }
}
