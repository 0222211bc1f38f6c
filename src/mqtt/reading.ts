import type { MqttClient } from 'mqtt'

export interface ReadingPort {
  /** Whether the broker owes an answer. */
  isAwaitingAnswer(): boolean
}

/**
 * Decides whether the socket of a connection is read. When the session has more messages than it can take, it is not,
 * and the broker has to wait. But the answers of the broker come behind its messages, so it is read on as long as one is
 * awaited: a handler may be waiting for the acknowledgement of its own publish.
 */
export class Reading {
  readonly #stream: MqttClient['stream']
  readonly #port: ReadingPort
  #isUnwanted = false
  #isPaused = false

  constructor(stream: MqttClient['stream'], port: ReadingPort) {
    this.#stream = stream
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
    this.#isPaused = true
    this.#stream.pause()
  }

  /** A publish of QoS 0 was sent. It may be a request. */
  sent(): void {
    if (this.#isPaused && this.#port.isAwaitingAnswer()) this.listen()
  }

  /** From now on an answer is awaited. */
  listen(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#stream.resume()
  }
}
