import type { MqttClient } from 'mqtt'

import type { Clock } from '../api/clock.ts'

/** How long the socket may be paused before a PINGREQ is sent, in milliseconds. */
const MAX_PAUSE = 60_000

export interface ReadingPort {
  /** Whether the broker owes an answer. */
  isAwaitingAnswer(): boolean
  /** Sends PINGREQ, whose answer is awaited then. */
  pingreq(): void
}

/**
 * Decides whether the socket of a connection is read. When the session has more messages than it can take, it is not,
 * and the broker has to wait. But the answers of the broker come behind its messages, so it is read on as long as one is
 * awaited: a handler may be waiting for the acknowledgement of its own publish.
 *
 * The end of a connection comes behind the messages, too. A PINGREQ now and then finds it, also without keep alive. The
 * connection does not end if there is no answer: that is up to the keep alive.
 */
export class Reading {
  readonly #stream: MqttClient['stream']
  readonly #clock: Clock
  readonly #port: ReadingPort
  #isUnwanted = false
  #isPaused = false
  #timer: unknown

  constructor(stream: MqttClient['stream'], clock: Clock, port: ReadingPort) {
    this.#stream = stream
    this.#clock = clock
    this.#port = port
  }

  /** The session wants no more messages until `resume`. */
  pause(): void {
    this.#isUnwanted = true
  }

  resume(): void {
    this.#isUnwanted = false
    this.listen()
  }

  /** Everything that had arrived is handled. */
  handled(): void {
    if (!this.#isUnwanted || this.#isPaused || this.#port.isAwaitingAnswer()) return
    // MQTT.js's stream for the WebSocket of a browser can't pause the WebSocket: it would pile up what arrives.
    if (this.#stream.readableObjectMode) return
    this.#isPaused = true
    this.#stream.pause()
    this.#timer = this.#clock.setTimeout(() => this.#port.pingreq(), MAX_PAUSE)
  }

  /** A publish of QoS 0 was sent. It may be a request. */
  sent(): void {
    if (this.#isPaused && this.#port.isAwaitingAnswer()) this.listen()
  }

  /** From now on an answer is awaited. */
  listen(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.stop()
    this.#stream.resume()
  }

  /** The connection is closed. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer)
  }
}
