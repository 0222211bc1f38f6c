/** `done` for each promise that fulfils, and the name of its error for each that rejects. */
export async function outcomes(promises: Iterable<Promise<unknown>>): Promise<string[]> {
  const settled = await Promise.allSettled(promises)
  return settled.map((result) => (result.status === 'fulfilled' ? 'done' : nameOf(result.reason)))
}

/** The name of an error, or the text of anything else. */
export function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error)
}

/** The error that a promise rejects with. Rejects if the promise fulfils. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('It resolved')
}
