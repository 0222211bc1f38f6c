/**
 * Where the flight recorder writes: to a file, or to a function of yours. See docs/recorder.md.
 *
 * It records what the connection machine receives and does, with its times and its random numbers, so that an outage can
 * be read, replayed and turned into a test. It never records payloads, topics, credentials or other secrets.
 */
export type RecorderOptions = FileRecorderOptions | FunctionRecorderOptions

/** Records into a file, in Node. */
export interface FileRecorderOptions {
  /**
   * The path of the file. Lines are appended to it; missing folders are created. Clients of one process may share a file:
   * each line then has the number of its client. Processes must not share one.
   */
  readonly file: string
  readonly write?: never
  /**
   * Maximum size of the recording in bytes, at least 65,536. At half of it, the file is renamed to one that ends with `.1`,
   * which replaces an earlier one, and a new file begins. So the last half is always kept.
   *
   * @default 33_554_432
   */
  readonly maxBytes?: number
  /**
   * How long a line is kept, in milliseconds, at least 60,000. The file is renamed as above when half of this time has passed.
   * Checked whenever a line is written.
   *
   * @default 604_800_000, which are 7 days
   */
  readonly maxAge?: number
}

/** Records by calling a function. */
export interface FunctionRecorderOptions {
  /**
   * Called with each line, without its line break, after the machine has finished the step. If it returns a promise, the next
   * line waits for it; up to 4 MiB of lines wait. Clients may share the function.
   */
  readonly write: (line: string) => unknown
  readonly file?: never
  readonly maxBytes?: never
  readonly maxAge?: never
}
