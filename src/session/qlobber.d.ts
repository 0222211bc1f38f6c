/** The part of qlobber that is used here; it brings no types of its own. */
declare module 'qlobber' {
  interface QlobberOptions {
    separator?: string
    wildcard_one?: string
    wildcard_some?: string
    match_empty_levels?: boolean
    max_words?: number
    max_wildcard_somes?: number
    cache_adds?: boolean
  }

  export class Qlobber<Value> {
    constructor(options?: QlobberOptions)
    add(topic: string, value: Value): this
    remove(topic: string, value?: Value): this
    match(topic: string): Value[]
    clear(): this
  }
}
