import { useMemo } from 'react'

import type { SubscribeOptions } from '../src/index.ts'
import { useLatest } from './use-latest.ts'

/**
 * Returns options that are the same object in each render, as long as they ask for the same: objects are compared by their
 * contents. Of `codec`, `schema` and `onInvalid`, those of the last render are used.
 */
export function useStableOptions<Value>(options: SubscribeOptions<Value>): SubscribeOptions<Value> {
  const latest = useLatest(options)
  const { codec, schema, onInvalid, ...plain } = options
  const key = JSON.stringify([plain, codec !== undefined, schema !== undefined, onInvalid !== undefined])
  return useMemo(() => following(options, latest), [key, latest])
}

function following<Value>(
  { codec, schema, onInvalid, ...plain }: SubscribeOptions<Value>,
  latest: { readonly current: SubscribeOptions<Value> },
): SubscribeOptions<Value> {
  return {
    ...plain,
    ...(codec && {
      codec: {
        encode: (value) => (latest.current.codec ?? codec).encode(value),
        decode: (payload) => (latest.current.codec ?? codec).decode(payload),
      },
    }),
    ...(schema && {
      schema: {
        '~standard': {
          ...schema['~standard'],
          validate: (value) => (latest.current.schema ?? schema)['~standard'].validate(value),
        },
      },
    }),
    ...(onInvalid && {
      onInvalid: (error, message) => (latest.current.onInvalid ?? onInvalid)(error, message),
    }),
  }
}
