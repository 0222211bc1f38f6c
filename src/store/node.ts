/** Not an import, which bundlers for browsers would fail at. */
export function fileSystem() {
  return process.getBuiltinModule('node:fs')
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}

/** Of a file that is written to see whether the disk takes anything, in bytes. */
const PROBE_BYTES = 65_536

/** Asks whether a disk takes anything, which costs little while it is full for long. @throws what it says */
export async function probe(folder: string): Promise<void> {
  const { rm, writeFile } = fileSystem().promises
  const file = `${folder}/XSTATE-MQTT.probe`
  try {
    await writeFile(file, new Uint8Array(PROBE_BYTES), { flush: true })
  } finally {
    await rm(file, { force: true })
  }
}
