/**
 * Makes a folder, and those that it is in, unless they exist. Node's option `recursive` never ends where a folder cannot be made
 * although the one that it is in exists, as in /proc (seen in Node 20, synchronous and not).
 *
 * @throws the error of the file system
 */
export async function makeFolder(folder: string): Promise<void> {
  // Not imports, because bundlers for browsers would fail on them.
  const { mkdir, stat } = process.getBuiltinModule('node:fs').promises
  const path = process.getBuiltinModule('node:path')
  const find = (name: string) => stat(name).catch(() => undefined)
  if (await find(folder)) return
  const above = path.dirname(folder)
  if (above !== folder) await makeFolder(above)
  try {
    await mkdir(folder)
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!(await find(folder))?.isDirectory()) throw error
  }
}
