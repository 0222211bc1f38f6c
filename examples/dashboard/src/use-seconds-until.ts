import { useEffect, useState } from 'react'

/** Counts down to a time in milliseconds since 1970. */
export function useSecondsUntil(time: number | null): number | null {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (time === null) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 250)
    return () => clearInterval(timer)
  }, [time])
  return time === null ? null : Math.max(0, Math.ceil((time - now) / 1_000))
}
