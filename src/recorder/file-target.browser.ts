import type { fileTarget as ofNode } from './file-target.ts'

/** Takes the place of `file-target.ts` in browsers, where the option `recorder.file` is refused. */
export const fileTarget: typeof ofNode | undefined = undefined
