import { PacketEncodingError } from '../../api/errors.ts'
import type { Link } from '../link.ts'
import { withRemainingExpiry } from './message-expiry.ts'
import type { Publication } from './publication.ts'

/**
 * Gives a publication to a link.
 *
 * @returns an error if it can't be encoded, which would fail on every connection. Nothing was sent then
 */
export function writePublish(
  link: Link,
  publication: Publication,
  time: () => number,
): PacketEncodingError | undefined {
  const { topic, packetId, transmitted } = publication
  publication.transmitted = true
  try {
    link.publish(withRemainingExpiry(publication, link, time), packetId, transmitted)
    return undefined
  } catch (cause) {
    return new PacketEncodingError(topic, { cause })
  }
}

/** Gives a PUBREL to a link. @param first - resolves when PUBREL may be sent; the link may be closed by then */
export function writePubrel(link: Link, packetId: number, first: Promise<void> | undefined): void {
  if (first) void first.then(() => link.pubrel(packetId))
  else link.pubrel(packetId)
}
