import { useState } from 'react'

import type { Codec, Message, RequestOptions, ResilientMqttClient, StandardSchema } from '../src/index.ts'
import { checkHookOptions } from './check-hook-options.ts'
import { useScope } from './context.ts'
import { decodeResponse } from './decode-response.ts'
import { Store, useStore } from './store.ts'
import { useLatest } from './use-latest.ts'

/** Options of `client.request`, and how values become payloads. */
export interface UseRequestOptions<Request, Response> extends RequestOptions {
  /** Encodes the value that the request is called with. @default text or bytes are sent as they are */
  readonly requestCodec?: Codec<Request>
  /** Decodes the response. @default bytes are left as they are */
  readonly responseCodec?: Codec<Response>
  /**
   * Checks the decoded response, with any validator that implements Standard Schema.
   *
   * @default none: every response is taken
   */
  readonly responseSchema?: StandardSchema<Response>
}

/** The requests of a component. */
export interface RequestState<Request, Response> {
  /**
   * Sends a request, and cancels the one that is pending. It rejects as `client.request` does, and with `InvalidMessageError`
   * if the response can't be decoded or is not valid. The rejection need not be handled. The function is the same in each
   * render.
   */
  readonly request: (value: Request) => Promise<Response>
  /** Stops waiting for the response: the request rejects with an `AbortError`. It may have been sent already. */
  readonly cancel: () => void
  readonly pending: boolean
  /** The last response. It stays while the next request is pending, and if that fails. */
  readonly data: Response | undefined
  /** Why the last request failed; `undefined` if it is pending, succeeded or was cancelled. */
  readonly error: Error | undefined
}

/**
 * Sends requests to a topic and shows their responses: see `client.request`. A pending request is cancelled when the
 * component is unmounted.
 *
 * @throws {MissingMqttProviderError} outside of an `MqttProvider`
 * @throws {InvalidOptionError} if the options are not an object
 */
export function useRequest<Request = string | Uint8Array, Response = Uint8Array>(
  topic: string,
  options?: UseRequestOptions<Request, Response>,
): RequestState<Request, Response> {
  const { client } = useScope('useRequest')
  const latest = useLatest({ client, topic, options: checkHookOptions('useRequest', options) })
  const [store] = useState(() => createRequestStore(() => latest.current))
  return useStore(store)
}

interface Target<Request, Response> {
  readonly client: ResilientMqttClient
  readonly topic: string
  readonly options: UseRequestOptions<Request, Response>
}

function createRequestStore<Request, Response>(
  target: () => Target<Request, Response>,
): Store<RequestState<Request, Response>> {
  let current: AbortController | undefined
  const cancel = () => {
    current?.abort()
    current = undefined
    if (state.pending) set({ pending: false })
  }
  const request = (value: Request) => {
    cancel()
    const controller = new AbortController()
    current = controller
    set({ pending: true, error: undefined })
    const responding = send(target(), value, controller.signal)
    // The second function also marks the rejection as handled.
    responding.then(
      (data) => current === controller && set({ pending: false, data }),
      (error: Error) => current === controller && set({ pending: false, error }),
    )
    return responding
  }
  let state: RequestState<Request, Response> = { request, cancel, pending: false, data: undefined, error: undefined }
  const set = (change: Partial<RequestState<Request, Response>>) => {
    state = { ...state, ...change }
    store.changed()
  }
  const store: Store<RequestState<Request, Response>> = new Store({ read: () => state, stop: cancel })
  return store
}

async function send<Request, Response>(
  { client, topic, options }: Target<Request, Response>,
  value: Request,
  signal: AbortSignal,
): Promise<Response> {
  const { requestCodec, responseCodec, responseSchema, ...rest } = options
  const payload = requestCodec ? requestCodec.encode(value) : (value as string | Uint8Array)
  const signals = options.signal ? AbortSignal.any([signal, options.signal]) : signal
  const response: Message = await client.request(topic, payload, { ...rest, signal: signals })
  return decodeResponse(response, responseCodec, responseSchema)
}
