import { perform, type Task } from './work/index.ts'

// One measurement in a separate process, so that garbage and compiled code of other measurements do not affect it.
const task = JSON.parse(process.argv[2] ?? '') as Task
const result = await perform(task)
process.send?.({ type: 'result', result })
process.disconnect?.()
// Threads of native peers may keep the process alive.
process.exit(0)
