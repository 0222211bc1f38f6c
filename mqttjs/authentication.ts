import type { MqttClient } from 'mqtt'

import type { Authentication } from '../src/api/authentication.ts'
import { toBuffer } from './payload.ts'

/** MQTT.js's `handleAuth`, which applications override. */
export type AuthHandler = Pick<MqttClient, 'handleAuth'>

/** AUTH continues the exchange (MQTT 5 §3.15.2.1). */
const CONTINUE = 0x18

/** Enhanced authentication by `properties.authenticationMethod` and an overridden `handleAuth`. */
export function authenticationOf(handler: AuthHandler, method: string, data: Uint8Array | undefined): Authentication {
  return {
    method,
    start: () => ({
      ...(data && { data }),
      respond: (challenge) => respond(handler, method, challenge),
    }),
  }
}

function respond(handler: AuthHandler, method: string, challenge: Uint8Array): Promise<Uint8Array | undefined> {
  const properties = { authenticationMethod: method, authenticationData: toBuffer(challenge) }
  return new Promise((resolve, reject) => {
    handler.handleAuth({ cmd: 'auth', reasonCode: CONTINUE, properties }, (error, packet) => {
      if (error) reject(error)
      else if (packet?.cmd === 'auth') resolve(packet.properties?.authenticationData)
      else reject(new Error('handleAuth gave no AUTH packet to continue with'))
    })
  })
}
