import type { loadSocks as ofNode } from './socks.ts'

/** Takes the place of `socks.ts` in browsers, where the option `socket`, which it serves, is refused. */
export const loadSocks: typeof ofNode = () => Promise.reject(new Error('A browser has no SOCKS proxies'))
