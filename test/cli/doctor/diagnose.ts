import { onTestFinished } from 'vitest'

import type { Diagnosis, Examination } from '../../../cli/doctor/examination.ts'
import { examine } from '../../../cli/doctor/examine.ts'
import type { Closable, Lab } from '../../../cli/doctor/lab.ts'
import { type Target, targetFor } from '../../../cli/doctor/way.ts'

export interface Plan extends Partial<Omit<Examination, 'target'>> {
  readonly tls?: Target['tls']
  /** In milliseconds. @default 2_000 */
  readonly patience?: number
  readonly signal?: AbortSignal
  /** Called with what is waited for. */
  readonly waits?: (what: string) => unknown
}

export interface Diagnosed extends Diagnosis {
  readonly codes: readonly string[]
  /** The findings of a level in words, with their remedies. */
  faults(): string
  /** What was waited for. */
  readonly waits: readonly string[]
}

let ids = 0

/** Examines a URL in this process. */
export async function diagnose(url: string, plan: Plan = {}): Promise<Diagnosed> {
  const { tls = {}, patience = 2_000, signal = new AbortController().signal, waits: onWait, ...examination } = plan
  const target = targetFor(url, tls)
  const sockets = new Set<Closable>()
  const destroy = () => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(destroy)
  const waits: string[] = []
  const lab: Lab = {
    clock: { setTimeout, clearTimeout: (id) => clearTimeout(id as never), now: () => performance.now() },
    today: () => Date.now(),
    signal,
    patience,
    newClientId: () => `doctor${++ids}`,
    waiting(what) {
      waits.push(what)
      onWait?.(what)
      return () => {}
    },
    opened(socket) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    },
  }
  const diagnosis = await examine(
    lab,
    {
      target,
      login: {},
      headers: {},
      versions: [5, 4],
      subscribe: [],
      publish: [],
      packetSize: 20_000,
      idle: false,
      ...examination,
    },
    () => {},
  )
  destroy()
  return {
    ...diagnosis,
    waits,
    codes: diagnosis.findings.map(({ code }) => code),
    faults: () =>
      diagnosis.findings
        .flatMap((finding) => (finding.level === 'fault' ? [`${finding.text} ${finding.remedy}`] : []))
        .join('\n'),
  }
}
