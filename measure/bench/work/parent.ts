/** Sends a word to the benchmark that started this worker. */
export function tell(word: string): void {
  process.send?.({ type: word })
}

/** Resolves when the benchmark has sent this word. */
export function asked(word: string): Promise<void> {
  return new Promise((resolve) => {
    const listener = (message: { readonly type?: string }) => {
      if (message.type !== word) return
      process.off('message', listener)
      resolve()
    }
    process.on('message', listener)
  })
}
