/**
 * Opens an empty store in a folder.
 *
 * @returns writes a message, and calls back when the store has confirmed it
 */
export type OpenStore = (folder: string) => Promise<(topic: string, payload: Uint8Array, done: () => void) => void>
