// npm start -w examples/xstate-inspect -- 'http://127.0.0.1:7878/?token=…' [port]
import { createBridge } from './bridge.ts'

const [visualizer, port = '8888'] = process.argv.slice(2)
if (visualizer === undefined) {
  console.error('Pass the address that the visualizer printed.')
  process.exit(2)
}
try {
  const bridge = await createBridge(visualizer, Number(port))
  console.log(`Viewers of @xstate/inspect: createWebSocketReceiver({ server: '${bridge.server}' })`)
  await bridge.ended
  console.error('The visualizer closed the connection. Start this again when it is running.')
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException
  console.error(
    `Nothing to forward: ${message || code}. Pass the address that the visualizer printed, including the token.`,
  )
}
process.exit(1)
