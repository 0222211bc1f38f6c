import { fileTarget } from './file-target.ts'
import { functionTarget } from './function-target.ts'
import { MachineRecorder } from './machine-recorder.ts'
import type { RawStep } from './machine-tap.ts'
import type { RecorderConfig } from './recorder-config.ts'
import { RecordingSink } from './sink.ts'

/** The recording of one client. */
export interface Recording {
  record(step: RawStep): void
  /** Resolves when all lines are written. */
  flush(): Promise<void>
  /** Reports an error, unless there was one before. */
  report(error: unknown): void
  /** Call it once. Resolves when all lines are written. */
  end(): Promise<void>
}

interface Shared {
  readonly sink: RecordingSink
  /** One for each client, which the error of the sink is reported to: to the first of them. */
  readonly listeners: Set<(error: unknown) => void>
}

/** By the path of the file, or by the function. */
const open = new Map<string | ((line: string) => unknown), Shared>()

/** Begins the recording of a client. Clients with the same file or function share it. */
export function openRecording(
  config: RecorderConfig,
  name: string | undefined,
  onError: (error: unknown) => void,
): Recording {
  const key = 'file' in config ? config.file : config.write
  const shared = open.get(key) ?? create(config)
  open.set(key, shared)
  // A function of its own, because clients may share theirs.
  const listener = (error: unknown) => onError(error)
  shared.listeners.add(listener)
  const recorder = new MachineRecorder(name, shared.sink)
  return {
    record: (step) => recorder.record(step),
    flush: () => shared.sink.flush(),
    report: (error) => shared.sink.report(error),
    async end() {
      await shared.sink.flush()
      shared.listeners.delete(listener)
      if (shared.listeners.size === 0 && open.get(key) === shared) open.delete(key)
    },
  }
}

function create(config: RecorderConfig): Shared {
  const listeners = new Set<(error: unknown) => void>()
  const sink = new RecordingSink(targetOf(config), (error) => {
    const [first] = listeners
    first?.(error)
  })
  return { sink, listeners }
}

function targetOf(config: RecorderConfig) {
  if ('write' in config) return functionTarget(config.write)
  if (!fileTarget) throw new Error('recorder.file needs Node')
  return fileTarget(config)
}
