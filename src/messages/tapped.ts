import type { MessageHandler } from '../api/message-options.ts'
import type { Message } from '../api/message.ts'
import type { Tapped } from '../session/message-tap.ts'
import type { Loop } from './message-queue.ts'

/** Calls a handler, through the tap of its client if there is one. */
export function handOver<Value>(message: Message<Value>, handler: MessageHandler<Value>, tapped: Tapped): unknown {
  const { tap } = tapped
  return tap ? tap.processing(message, tapped.filter, handler) : handler(message)
}

/** Reports the messages that a loop takes to the tap of its client, while there is one. */
export function tappedLoop<Value>(loop: Loop<Value>, tapped: Tapped & { readonly filter: string }): Loop<Value> {
  /** For the messages that the loop is processing. */
  let processed: (() => void)[] | undefined
  const goOn = () => {
    const taken = processed
    processed = undefined
    if (taken) for (const end of taken) end()
  }
  const follow = (next: ReturnType<Loop<Value>['next']>) =>
    next.then((result) => {
      const { tap, filter } = tapped
      if (!result.done && tap) (processed ??= []).push(tap.taken(result.value, filter))
      return result
    })
  return {
    next: () => {
      goOn()
      const next = loop.next()
      return tapped.tap ? follow(next) : next
    },
    return: () => {
      goOn()
      return loop.return()
    },
  }
}
