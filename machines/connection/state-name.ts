/** Returns the name of a state value, such as `connected.ready`. */
export function nameOfState(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.entries(value).flat().join('.') : String(value)
}

/** Returns the state value with a name such as `connected.ready`. */
export function stateWithName(name: string): string | Record<string, string> {
  const [state = '', substate] = name.split('.')
  return substate === undefined ? state : { [state]: substate }
}
