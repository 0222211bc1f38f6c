const KEPT = /^(TCP|TLS|Pipe|Timeout|Immediate|Process|FSReq)/

/** The sockets, servers, timers and processes that keep this process alive. */
export function activeHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => KEPT.test(name))
}

/** The handles that exist now but did not exist before, by kind. */
export function leakedSince(before: readonly string[], now: readonly string[] = activeHandles()): string[] {
  const known = [...before]
  return now.filter((name) => {
    const at = known.indexOf(name)
    if (at !== -1) known.splice(at, 1)
    return at === -1
  })
}
