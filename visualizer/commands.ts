import { commandEvents, type Command, type CommandMessage, type CommandResultMessage } from './protocol.ts'
import { accepts } from './record/actor.ts'
import type { Recorder } from './record/recorder.ts'
import { stamp } from './shared/frames.ts'

type Refused = NonNullable<CommandResultMessage['reason']>

const MAX_REQUEST_ID = 200

export function answer(requestId: string, reason: Refused | undefined, message: string): CommandResultMessage {
  return {
    type: '@xstate-mqtt.command-result',
    ...stamp(),
    requestId,
    ok: reason === undefined,
    ...(reason && { reason }),
    message,
  }
}

/** Parses a command that came over a socket. If it is invalid, returns the answer to send. */
export function parseCommand(fields: Readonly<Record<string, unknown>>): CommandMessage | CommandResultMessage {
  const requestId = typeof fields.requestId === 'string' ? fields.requestId.slice(0, MAX_REQUEST_ID) : ''
  const { sessionId, command } = fields
  if (!isCommand(command)) {
    return answer(
      requestId,
      'unknown-command',
      `Unknown command. The commands are ${Object.keys(commandEvents).join(', ')}.`,
    )
  }
  if (typeof sessionId !== 'string') return answer(requestId, 'unknown-actor', 'The command names no actor.')
  return { type: '@xstate-mqtt.command', ...stamp(), requestId, sessionId, command }
}

/** Sends the command's event to the machine, if the machine would react to it. */
export function perform(recorder: Recorder, allowCommands: boolean, request: CommandMessage): CommandResultMessage {
  const { requestId, sessionId, command } = request
  const type = commandEvents[command]
  if (!allowCommands) {
    return answer(requestId, 'not-allowed', 'This app does not allow commands: its option allowCommands is off.')
  }
  const actor = recorder.actor(sessionId)
  const ref = actor?.ref
  if (!actor || !ref) return answer(requestId, 'unknown-actor', 'There is no such actor, or it has stopped.')
  const name = recorder.redactor.text(actor.name)
  if (!actor.commands.includes(command)) return answer(requestId, 'not-allowed', `${name} does not accept commands.`)
  const snapshot = ref.getSnapshot() as { readonly status?: string; readonly value?: unknown } | undefined
  if (snapshot?.status !== 'active') return answer(requestId, 'stopped', `${name} has stopped.`)
  if (!accepts(snapshot, command)) {
    return answer(requestId, 'ignored', `${name} ignores ${type} in the state ${JSON.stringify(snapshot.value)}.`)
  }
  ref.send({ type })
  return answer(requestId, undefined, `Sent ${type} to ${name}.`)
}

function isCommand(value: unknown): value is Command {
  return typeof value === 'string' && Object.hasOwn(commandEvents, value)
}
