/**
 * Parses a URL; `undefined` if it is not one.
 *
 * `URL.canParse` is not used: in Node 20.20, once V8 has optimized the call, it refuses URLs with characters such as `ü`.
 */
export function parseUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}
