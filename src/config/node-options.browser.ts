import type { certificateExpiry as ofNodeCertificate, nodeOptions as ofNode } from './node-options.ts'

/** Takes the place of `node-options.ts` in browsers, where no option of Node has an effect: unknown names pass. */
export const nodeOptions: typeof ofNode = undefined

/** The certificates of a browser are not ours to read. */
export const certificateExpiry: typeof ofNodeCertificate = () => undefined
