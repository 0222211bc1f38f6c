import type { Attributes } from '@opentelemetry/api'

import { ERROR_TYPE, TEMPLATE } from './names.ts'
import { serverAttributes } from './server.ts'

/** How many sets are remembered. There are few, unless templates are as many as topics. */
const MOST = 1_000

/** The attributes of the metrics of an operation. The same values give the same object, because making one costs microseconds. */
export class MetricAttributes {
  readonly #base: Attributes
  readonly #known = new Map<string, Attributes>()

  constructor(base: Attributes) {
    this.#base = base
  }

  of(server: string | undefined, template: string | undefined, error: string | undefined): Attributes {
    const key = `${server}\n${template}\n${error}`
    let attributes = this.#known.get(key)
    if (attributes) return attributes
    attributes = { ...this.#base, ...serverAttributes(server) }
    if (template !== undefined) attributes[TEMPLATE] = template
    if (error !== undefined) attributes[ERROR_TYPE] = error
    if (this.#known.size >= MOST) this.#known.clear()
    this.#known.set(key, attributes)
    return attributes
  }
}
