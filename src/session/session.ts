import {
  ClientDisposedError,
  ConnectionLostError,
  NotSupportedByBrokerError,
  PublishRefusedError,
} from '../errors.ts'
import type { Ack, IncomingPublish, Link, LinkEvents } from './link.ts'
import { Outbox, type OutboxOptions } from './outbox.ts'
import { PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'
