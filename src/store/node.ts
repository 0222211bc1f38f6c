/** Not an import, because bundlers for browsers would fail on it. */
export function fileSystem() {
  return process.getBuiltinModule('node:fs')
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}

/** The size of the file that tests whether the disk can be written, in bytes. */
const PROBE_BYTES = 65_536

/** Tests whether a disk can be written, which is cheap even if it stays full. @throws the error of the disk */
export async function probe(folder: string): Promise<void> {
  const { rm, writeFile } = fileSystem().promises
  const file = `${folder}/XSTATE-MQTT.probe`
  try {
    await writeFile(file, new Uint8Array(PROBE_BYTES), { flush: true })
  } finally {
    await rm(file, { force: true })
  }
}
