import { existsSync } from 'node:fs'
import { resolve, sep } from 'node:path'

import { generateClientId } from '../src/lifecycle/attempt.ts'
import { openError } from '../src/store/database.ts'
import { salvageStore, type Salvage } from '../src/store/salvage.ts'
import { defineCommand, unexpected, UsageError } from './command.ts'
import { print, type Shell } from './shell.ts'

/** The exit code if part of the store was lost. */
const INCOMPLETE = 3

export const store = defineCommand({
  operands: 'salvage <dir>',
  options: {
    to: {
      type: 'string',
      value: '<new>',
      description: 'the folder of the new store (<dir>-salvaged); it must be empty',
    },
  },
  notes: [
    'The damaged store is only read. Stop the client that uses it first. Afterwards, put the new store in its place, or',
    'give the client the path of the new store. The client then delivers its messages. If it is not known whether a',
    'message has already been delivered, it is delivered again.',
    '',
    'Exit codes: 0: nothing is missing. 1: nothing was salvaged, because the store is in use, the folder is not a store,',
    'or the new store cannot be written. 2: the command line is wrong. 3: something is missing or damaged, or it is not',
    'known whether anything is missing.',
  ].join('\n'),
  async run({ to }, operands, shell) {
    const [action, folder, ...rest] = operands
    if (action !== 'salvage') throw new UsageError(`the action must be salvage, got ${show(action)}`)
    if (folder === undefined || folder === '') {
      throw new UsageError('the folder of the store is missing: xstate-mqtt store salvage <dir>')
    }
    if (rest[0] !== undefined) throw unexpected(rest[0])
    if (to === '') throw new UsageError("--to must be the path of a folder, got ''")
    const from = resolve(folder)
    const target = resolve(to ?? `${from}-salvaged`)
    if (`${target}${sep}`.startsWith(`${from}${sep}`)) throw new UsageError('--to must be outside the damaged store')
    if (!existsSync(from)) throw new UsageError(`there is no folder ${from}`)
    const salvage = await salvageStore(from, target, generateClientId).catch((error: unknown) => {
      throw openError(target, error)
    })
    printReport(shell, salvage, target)
    return salvage.missing === 0 && salvage.damaged === 0 ? 0 : INCOMPLETE
  },
})

function printReport(shell: Shell, salvage: Salvage, target: string): void {
  const { publications, inFlight, quarantined, damaged, missing, clientIdKept } = salvage
  print(shell, `Undamaged publishes: ${publications} (in flight: ${inFlight}, quarantined: ${quarantined})`)
  print(shell, `Missing publishes: ${missing ?? 'not known'}`)
  print(shell, `Damaged records: ${damaged}`)
  if (!clientIdKept) {
    print(shell, 'The client id is missing: a client without the option clientId gets a new id, and so a new session')
  }
  print(shell, `Written to: ${target}`)
}

function show(value: string | undefined): string {
  return value === undefined ? 'nothing' : `'${value}'`
}
