import FakeTimers from '@sinonjs/fake-timers'
import { expect, test } from 'vitest'
import { createActor, fromPromise } from 'xstate'
import { connectionMachine } from '../../machines/index.ts'
import { createFakeTransport } from '../../src/testing/fake-transport.ts'

test('a whole outage', async () => {
  const clock = FakeTimers.createClock()
  const transport = createFakeTransport()
  const actor = createActor(connectionMachine.provide({ actors: { transport: transport.logic, refreshToken: fromPromise(async () => ({ expiresAt: null })) } }), {
    clock: clock as never, input: { now: () => clock.now, random: () => 1, canRefresh: true },
  })
  const seen: string[] = []
  actor.subscribe((s) => { const v = JSON.stringify(s.value) + s.context.attempt + '/' + s.context.cycle; if (seen.at(-1) !== v) seen.push(v) })
  const emitted: unknown[] = []
  actor.on('*', (e) => emitted.push({at: clock.now, ...e}))
  actor.start()
  actor.send({ type: 'CONNECT' })
  await clock.tickAsync(0)
  transport.current.open()
  await clock.tickAsync(0)
  expect(actor.getSnapshot().value).toEqual({ connected: 'ready' })
  actor.send({type:'PERIODIC.START', schedule: {id:'p1', interval: 1000, jitter: 0, responseTimeout: null}})
  await clock.tickAsync(5000)
  console.log(actor.getSnapshot().children.p1?.getSnapshot().context)
  transport.current.fail()
  for (let i = 0; i < 30; i++) { await clock.tickAsync(301_000); if (transport.running && actor.getSnapshot().matches('connecting')) transport.current.fail() ; console.log(actor.getSnapshot().value, transport.running) }
  console.log(seen, emitted)
  actor.stop()
})
