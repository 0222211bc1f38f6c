import type { Command, ServerFrame, ViewerMessage } from '../../protocol.ts'
import type { Store } from './model/store.ts'
import type { Source } from './source.ts'

const FIRST_RETRY = 500
const LAST_RETRY = 10_000
/** Hidden tabs get no animation frames. */
const HIDDEN_FLUSH = 1_000
/** The server sends something every five seconds. If nothing comes for longer, it hangs, or the line to it is dead. */
const SILENT_AFTER = 13_000

/** The connection to the server. It reconnects automatically, and applies messages once per animation frame. */
export class ViewerSocket implements Source {
  readonly #store: Store
  readonly #token: string
  #socket: WebSocket | undefined
  #queue: string[] = []
  #scheduled = false
  #retries = 0
  #lostAt: number | null = null
  #retryTimer: ReturnType<typeof setTimeout> | undefined
  #requests = 0
  #watchdog: ReturnType<typeof setTimeout> | undefined
  #heardAt = Date.now()

  constructor(store: Store, token: string) {
    this.#store = store
    this.#token = token
  }

  open(): void {
    clearTimeout(this.#retryTimer)
    const url = new URL('viewer', new URL('.', location.href))
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
    url.searchParams.set('token', this.#token)
    const socket = new WebSocket(url)
    this.#socket = socket
    socket.addEventListener('open', () => this.#send({ type: '@statelyai.connected' }))
    socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#queue.push(data)
      this.#watch(socket)
      this.#schedule()
    })
    socket.addEventListener('close', () => void this.#closed(socket))
    this.#watch(socket)
  }

  command(sessionId: string, command: Command): void {
    const requestId = `page-${++this.#requests}`
    this.#send({ type: '@xstate-mqtt.command', createdAt: String(Date.now()), requestId, sessionId, command })
  }

  #send(message: ViewerMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #watch(socket: WebSocket): void {
    clearTimeout(this.#watchdog)
    this.#heardAt = Date.now()
    this.#watchdog = setTimeout(() => {
      // Closing a dead line would take as long as its time-out.
      this.#lostAt ??= this.#heardAt
      socket.close()
      void this.#closed(socket)
    }, SILENT_AFTER)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    const flush = () => {
      this.#scheduled = false
      this.#flush()
    }
    if (document.hidden) setTimeout(flush, HIDDEN_FLUSH)
    else requestAnimationFrame(flush)
  }

  #flush(): void {
    const frames = this.#queue
    this.#queue = []
    if (frames.length === 0) return
    for (const frame of frames) {
      const message = parse(frame)
      if (!message) continue
      for (const one of message.type === '@xstate-mqtt.batch' ? message.messages : [message]) this.#store.apply(one)
    }
    if (this.#store.link.status === 'live') {
      this.#retries = 0
      this.#lostAt = null
    }
    if (this.#store.playback) this.#end()
    this.#store.changed()
  }

  /** A recording is complete: the page needs the server no longer, which may end. */
  #end(): void {
    clearTimeout(this.#watchdog)
    const socket = this.#socket
    this.#socket = undefined
    socket?.close()
  }

  async #closed(socket: WebSocket): Promise<void> {
    if (socket !== this.#socket) return
    this.#socket = undefined
    clearTimeout(this.#watchdog)
    this.#flush()
    this.#lostAt ??= Date.now()
    const delay = Math.min(FIRST_RETRY * 2 ** this.#retries++, LAST_RETRY)
    const retryAt = Date.now() + delay
    this.#store.setLink({ status: 'lost', since: this.#lostAt, retryAt })
    this.#retryTimer = setTimeout(() => this.open(), delay)
    // Browsers do not report why a WebSocket was refused. A request for the page itself is refused for the same reason.
    const response = await fetch(location.href, { method: 'HEAD', cache: 'no-store' }).catch(() => null)
    if (response?.status !== 401 && response?.status !== 403) return
    clearTimeout(this.#retryTimer)
    const message =
      'The server was restarted and no longer accepts this page’s token. Open the address that it printed.'
    this.#store.setLink({ status: 'refused', since: this.#lostAt ?? Date.now(), message })
  }
}

function parse(frame: string): ServerFrame | null {
  try {
    return JSON.parse(frame) as ServerFrame
  } catch {
    return null
  }
}
