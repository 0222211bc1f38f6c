/** @jsxImportSource react */
import './style.css'

import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import type { ResilientMqttClientOptions } from 'xstate-mqtt'
import { MqttProvider } from 'xstate-mqtt/react'

import { Dashboard } from './dashboard.tsx'

const options: ResilientMqttClientOptions = {
  url: import.meta.env.VITE_BROKER_URL,
  // A page on a wall keeps trying during an outage, and an operator does not want to wait for two minutes. The client gives up
  // only if trying again is of no use, for example when the broker refuses its login.
  reconnect: { maxAttempts: Number.POSITIVE_INFINITY, maxDelay: 15_000 },
}

const root = document.querySelector('#root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MqttProvider options={options}>
        <Dashboard />
      </MqttProvider>
    </StrictMode>,
  )
}
