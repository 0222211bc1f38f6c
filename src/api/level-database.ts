/** The encodings with which keys and values are passed as `Uint8Array`. */
export interface ViewEncodings {
  readonly keyEncoding: 'view'
  readonly valueEncoding: 'view'
}

/** One operation of a batch. */
export type Operation =
  | { type: 'put'; key: Uint8Array; value: Uint8Array; keyEncoding: 'view'; valueEncoding: 'view' }
  | { type: 'del'; key: Uint8Array; keyEncoding: 'view' }

/** A database with the `abstract-level` interface: `classic-level`, `browser-level`, or a sublevel of one. */
export interface LevelDatabase {
  open(): Promise<void>
  batch(operations: Operation[], options: ViewEncodings & { readonly sync: boolean }): Promise<void>
  /** In the order of the keys; with `gte` and `lte` only those from one key to another. */
  iterator(
    options: ViewEncodings & { readonly gte?: Uint8Array; readonly lte?: Uint8Array },
  ): AsyncIterable<[Uint8Array, Uint8Array]>
}
