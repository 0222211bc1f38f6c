import { policies } from './policies.ts'
import type { StormTask } from './simulate-all.ts'
import { simulate } from './simulate.ts'

// One policy in a separate process, so that garbage and compiled code of other policies do not affect it.
process.once('message', ({ name, storm }: StormTask) => {
  const policy = policies[name]
  if (!policy) throw new Error(`there is no policy ${name}`)
  process.send?.(simulate(policy, storm))
})
