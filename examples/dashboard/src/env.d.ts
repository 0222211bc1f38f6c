declare module '*.css'

interface ImportMetaEnv {
  /** The broker that the page connects to, such as `wss://broker.example.com/mqtt`. */
  readonly VITE_BROKER_URL: string
  /** Whether the page runs against the simulated plant, and shows what only makes sense there. */
  readonly VITE_DEMO?: string
}

interface ImportMeta {
  readonly env: ImportMetaEnv
}
