const format = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

/** @param time - in milliseconds since 1970 */
export function timeOfDay(time: number): string {
  return format.format(time)
}
