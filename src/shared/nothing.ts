/** A callback with nothing to do: a rejection is handled elsewhere, or concerns nothing. */
export function nothing(): void {}
