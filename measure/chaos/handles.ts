const KEPT = /^(TCP|TLS|Pipe|Timeout|Immediate|Process|FSReq)/

/** Sockets, servers, timers and processes that would keep this process alive. */
export function activeHandles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => KEPT.test(name))
}

/** What there is now beyond what there was, kind by kind. */
export function leakedSince(before: readonly string[], now: readonly string[] = activeHandles()): string[] {
  const known = [...before]
  return now.filter((name) => {
    const at = known.indexOf(name)
    if (at !== -1) known.splice(at, 1)
    return at === -1
  })
}
