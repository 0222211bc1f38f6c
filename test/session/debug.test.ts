import { test } from 'vitest'
import { createTestClock } from '../../src/testing/index.ts'
import { scene, turns } from './scene.ts'
test('x', async () => {
    const clock = createTestClock()
    const { server, client, errors } = await scene({ version:4, clock, now: clock.now, random: () => 0.5 })
    client.startPeriodicRequests({topic:'ask', payload: () => { console.log('payload', clock.now()); return 'x'}, interval: 10_000})
    await client.connect()
    for (let i=0;i<25;i++) {await turns(); clock.tick(1000);}
    await turns()
    console.log(client.status.state, clock.pending, errors, server.received('publish').length, client.actor.getSnapshot().context.periodic, (client.actor.getSnapshot().children as any)['periodic.1'].getSnapshot().value)
})
