/** What a worker says to the benchmark that started it, and hears from it. */
export function tell(word: string): void {
  process.send?.({ type: word })
}

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
