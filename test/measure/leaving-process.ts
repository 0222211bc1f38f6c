// Makes a folder, prints its path, and runs until a signal ends it.
import { beforeExit, TemporaryFolder } from '../../measure/lab/cleanup.ts'

const folder = new TemporaryFolder('cleanup')
beforeExit(() => console.log('first'))()
beforeExit(() => console.log('second'))
console.log(folder.path)
setInterval(() => {}, 1_000)
