import { JSDOM } from 'jsdom'

/** A component that subscribes and publishes, rendered into a DOM. */
export async function start(url, { into, out }, received) {
  const { window } = new JSDOM('<main></main>')
  // React looks for them when it is loaded, and when it renders.
  const { document, navigator } = window
  const before = ['window', 'document', 'navigator'].map((name) => [name, globalThis[name]])
  for (const [name, value] of Object.entries({ window, document, navigator })) {
    Object.defineProperty(globalThis, name, { value, configurable: true })
  }
  const { createElement, useEffect } = await import('react')
  const { createRoot } = await import('react-dom/client')
  const { Connector, useSubscription } = await import('mqtt-react-hooks')
  const options = { clientId: 'mqtt-react-hooks', keepalive: 60 }
  const subscribeOptions = { qos: 1 }
  let client
  function Lamp() {
    const subscription = useSubscription(into, subscribeOptions)
    const { message } = subscription
    client = subscription.client
    useEffect(() => void (message && received(String(message.message))), [message])
    return null
  }
  const root = createRoot(document.querySelector('main'))
  root.render(createElement(Connector, { brokerUrl: url, options }, createElement(Lamp)))
  while (!client) await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    send: (text) => client.publishAsync(out, text, { qos: 1 }),
    stop: async () => {
      root.unmount()
      // React still looks at the window for a moment.
      await new Promise((resolve) => setTimeout(resolve, 500))
      for (const [name, value] of before) Object.defineProperty(globalThis, name, { value, configurable: true })
    },
  }
}
