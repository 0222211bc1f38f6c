export interface ViewEncodings {
  readonly keyEncoding: 'view'
  readonly valueEncoding: 'view'
}

/** Keys and values as bytes. */
export const views: ViewEncodings = Object.freeze({ keyEncoding: 'view', valueEncoding: 'view' })
