import type { nodeOptions as ofNode } from './node-options.ts'

/** Takes the place of `node-options.ts` in browsers, where no option of Node has an effect: unknown names pass. */
export const nodeOptions: typeof ofNode = undefined
