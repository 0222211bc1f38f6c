/** @jsxImportSource react */
import { useMqttStatus } from 'xstate-mqtt/react'

/** Stops the simulated broker for a while. */
export function OutageButton() {
  const isOnline = useMqttStatus(({ state }) => state === 'connected')
  return (
    <section className="card demo" aria-labelledby="demo">
      <h2 id="demo">Demo</h2>
      <p>This plant is simulated. Stop its broker, and watch the page.</p>
      <button
        type="button"
        className="plain"
        disabled={!isOnline}
        onClick={() => void fetch('demo/outage', { method: 'POST' })}
      >
        Stop the broker for 15 s
      </button>
    </section>
  )
}
