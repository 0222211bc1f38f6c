import { uncaught } from './uncaught.ts'

/** A callback that gets an error, or none and a value. */
type Settle<Value> = (error: Error | null | undefined, value?: Value) => void

/** The options and the callback, both of which may be left out. */
export function sorted<Options extends object, Callback extends (...values: never[]) => unknown>(
  options: Options | Callback | null | undefined,
  last: Callback | undefined,
): { readonly given: Partial<Options>; readonly callback: Callback | undefined } {
  const callback = typeof options === 'function' ? options : last
  return {
    given: typeof options === 'object' && options ? options : {},
    callback: callback && (uncaught(callback) as unknown as Callback),
  }
}

/** A call with a callback, as a promise. */
export function promised<Value>(call: (settle: Settle<Value>) => unknown): Promise<Value> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value as Value)))
  })
}
