import { durable, type DurableTask } from './durable.ts'
import { idle, type IdleTask } from './idle.ts'
import { latency, type LatencyTask } from './latency.ts'
import { match, type MatchTask } from './match.ts'
import { oneSide, type OneSideTask } from './one-side.ts'
import { recorder, type RecorderTask } from './recorder.ts'
import { resend, type ResendTask } from './resend.ts'
import { restart, type RestartTask } from './restart.ts'
import { restore, type RestoreTask } from './restore.ts'
import { serve, type ServeTask } from './serve.ts'
import { throughput, type ThroughputTask } from './throughput.ts'

export type Task =
  | OneSideTask
  | ServeTask
  | ThroughputTask
  | LatencyTask
  | RestoreTask
  | ResendTask
  | IdleTask
  | DurableTask
  | RestartTask
  | MatchTask
  | RecorderTask

export type Metrics = Readonly<Record<string, number>>

export async function perform(task: Task): Promise<Metrics> {
  switch (task.kind) {
    case 'one-side':
      return await oneSide(task)
    case 'serve':
      return await serve(task)
    case 'throughput':
      return await throughput(task)
    case 'latency':
      return await latency(task)
    case 'restore':
      return await restore(task)
    case 'resend':
      return await resend(task)
    case 'idle':
      return await idle(task)
    case 'durable':
      return await durable(task)
    case 'restart':
      return await restart(task)
    case 'match':
      return match(task)
    case 'recorder':
      return await recorder(task)
  }
}
