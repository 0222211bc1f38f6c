import { existsSync } from 'node:fs'
import { resolve, sep } from 'node:path'

import { openError } from '../src/store/database.ts'
import { salvageStore, type Salvage } from '../src/store/salvage.ts'
import { generateClientId } from '../src/lifecycle/attempt.ts'
import { defineCommand, UsageError } from './command.ts'

/** Part of it was lost. */
const INCOMPLETE = 3

export const store = defineCommand({
  name: 'store',
  summary: 'gets out what is sound in a damaged store of durable publishes: store salvage <dir>',
  operands: 'salvage <dir>',
  options: {
    to: {
      type: 'string',
      value: '<new>',
      description: 'the folder of the new store (<dir>-salvaged); it must be empty',
    },
  },
  notes: [
    'The damaged store is only read. End the client that has it open first. Then put the new one in its place, or give',
    'the client its path: it delivers what is in it. Whether something was already delivered before is not always',
    'known: then it comes again.',
    '',
    'Exit codes: 0 nothing is missing, 3 something is missing or damaged, or it is not known whether; 1 nothing was',
    'got out, since the store is in use, is none, or the new one can’t be written; 2 the command line is wrong.',
  ].join('\n'),
  async run({ to }, operands) {
    const [action, folder, ...rest] = operands
    if (action !== 'salvage') throw new UsageError(`What to do must be salvage, got ${show(action)}`)
    if (folder === undefined || folder === '') throw new UsageError('salvage needs the folder of a store')
    if (rest.length > 0) throw new UsageError(`Unexpected argument '${rest[0]}'`)
    if (to === '') throw new UsageError("--to must be the path of a folder, got ''")
    const from = resolve(folder)
    const target = resolve(to ?? `${from}-salvaged`)
    if (`${target}${sep}`.startsWith(`${from}${sep}`)) throw new UsageError('--to must be outside of the damaged store')
    if (!existsSync(from)) throw new UsageError(`There is no folder ${from}`)
    const salvage = await salvageStore(from, target, generateClientId).catch((error: unknown) => {
      throw openError(target, error)
    })
    print(salvage, target)
    return salvage.missing === 0 && salvage.damaged === 0 ? 0 : INCOMPLETE
  },
})

function print(salvage: Salvage, target: string): void {
  const { publications, inFlight, quarantined, damaged, missing, clientIdKept } = salvage
  console.log(`Publishes that are sound: ${publications} (in flight: ${inFlight}, quarantined: ${quarantined})`)
  console.log(`Publishes that are missing: ${missing ?? 'not known'}`)
  console.log(`Records that are damaged: ${damaged}`)
  if (!clientIdKept) console.log('The client id is missing: a client without its own gets a new one, and a new session')
  console.log(`Written to: ${target}`)
}

function show(value: string | undefined): string {
  return value === undefined ? 'nothing' : `'${value}'`
}
