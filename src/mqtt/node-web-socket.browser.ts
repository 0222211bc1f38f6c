import type { nodeWebSocket as ofNode } from './node-web-socket.ts'

/** Takes the place of `node-web-socket.ts` in browsers, React Native and Cloudflare Workers, which have no `ws`. */
export const nodeWebSocket: typeof ofNode = undefined
