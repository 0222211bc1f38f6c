/** What the server sends to a client that subscribes to a topic. */
export interface Content {
  readonly qos: 0 | 1 | 2
  readonly payloadBytes: number
}

/** The topic that stands for this content. */
export function topicOf({ qos, payloadBytes }: Content): string {
  return `bench/messages/${qos}/${payloadBytes}`
}

export function contentOf(topic: string): Content {
  const [qos, payloadBytes] = topic.split('/').slice(2).map(Number)
  if ((qos !== 0 && qos !== 1 && qos !== 2) || payloadBytes === undefined) throw new Error(`${topic} has no source`)
  return { qos, payloadBytes }
}
