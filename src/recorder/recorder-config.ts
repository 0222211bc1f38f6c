/** The checked option `recorder`, completed with defaults. */
export type RecorderConfig =
  | { readonly file: string; readonly maxBytes: number; readonly maxAge: number }
  | { readonly write: (line: string) => unknown }
