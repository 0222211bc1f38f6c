import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'

import type { AuthenticationExchange } from '../../src/index.ts'
import type { AuthAnswer, AuthStep } from '../../testing/index.ts'

/** SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding, and with nonces that are no secret. */
export const SCRAM = 'SCRAM-SHA-256'

const ITERATIONS = 4_096
const SALT = Buffer.from('a salt of the server')

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

function keys(password: string, salt: Uint8Array, iterations: number) {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  return { client: hmac(salted, 'Client Key'), server: hmac(salted, 'Server Key') }
}

const attributes = (message: string) => Object.fromEntries(message.split(',').map((each) => [each[0], each.slice(2)]))

/** The client's side of one exchange. */
export function scramClient(user: string, password: string): AuthenticationExchange {
  const first = `n=${user},r=client-nonce`
  let signature: Buffer | undefined
  return {
    data: `n,,${first}`,
    respond: async (challenge) => {
      const serverFirst = new TextDecoder().decode(challenge)
      const { r = '', s = '', i } = attributes(serverFirst)
      if (!r.startsWith('client-nonce')) throw new Error('the server has another nonce')
      const last = `c=biws,r=${r}`
      const message = `${first},${serverFirst},${last}`
      const { client, server } = keys(password, Buffer.from(s, 'base64'), Number(i))
      signature = hmac(server, message)
      return `${last},p=${proofOf(client, message).toString('base64')}`
    },
    verify: (data) => {
      const { v = '' } = attributes(Buffer.from(data ?? []).toString())
      const proof = Buffer.from(v, 'base64')
      return signature !== undefined && proof.length === signature.length && timingSafeEqual(proof, signature)
    },
  }
}

/** The server's side of the exchanges on one connection. @param password - by user */
export function scramServer(password: (user: string) => string): (step: AuthStep) => AuthAnswer {
  let first = ''
  let serverFirst = ''
  return ({ data, n }) => {
    const message = String(data)
    if (n === 1) {
      first = message.slice('n,,'.length)
      serverFirst = `r=${attributes(first)['r']}-server-nonce,s=${SALT.toString('base64')},i=${ITERATIONS}`
      return { challenge: serverFirst }
    }
    const { p = '' } = attributes(message)
    const signed = `${first},${serverFirst},${message.slice(0, message.lastIndexOf(',p='))}`
    const { client, server } = keys(password(attributes(first)['n'] ?? ''), SALT, ITERATIONS)
    if (p !== proofOf(client, signed).toString('base64')) return { refuse: 0x87 }
    return { success: `v=${hmac(server, signed).toString('base64')}` }
  }
}

function proofOf(clientKey: Buffer, message: string): Buffer {
  const signature = hmac(hash(clientKey), message)
  return Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)))
}
