/** Whether this is Node, or a runtime that says that it is like Node. */
export function inNode(): boolean {
  return typeof process !== 'undefined' && process.versions?.node !== undefined
}
