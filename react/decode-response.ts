import { type Codec, InvalidMessageError, type Message, type StandardSchema } from '../src/index.ts'

/** @throws {InvalidMessageError} if the message can't be decoded or is not valid */
export async function decodeResponse<Value>(
  { topic, payload }: Message,
  codec: Codec<Value> | undefined,
  schema: StandardSchema<Value> | undefined,
): Promise<Value> {
  let value: Value
  try {
    value = codec ? codec.decode(payload) : (payload as Value)
  } catch (cause) {
    throw new InvalidMessageError(topic, [], { cause })
  }
  if (!schema) return value
  const result = await schema['~standard'].validate(value)
  if (result.issues) throw new InvalidMessageError(topic, result.issues)
  return result.value
}
