import type { ViewEncodings } from '../api/level-database.ts'
/** Keys and values as bytes. */
export const views: ViewEncodings = Object.freeze({ keyEncoding: 'view', valueEncoding: 'view' })
