/** How an application of two files is bundled, as the documentation of each bundler says for a page. */
export interface Bundler {
  /** The name of its package. */
  readonly name: string
  /** @param out - the folder for the bundle */
  readonly command: (out: string, room: string) => readonly string[]
}

export const bundlers: readonly Bundler[] = [
  { name: 'vite', command: (out, room) => ['vite', 'build', '-c', `${room}vite.config.mjs`, '--outDir', out] },
  {
    name: 'webpack',
    command: (out, room) => ['webpack', 'build', '-c', `${room}webpack.config.mjs`, '-o', out],
  },
  {
    name: '@rspack/core',
    command: (out, room) => ['rspack', 'build', '-c', `${room}webpack.config.mjs`, '-o', out],
  },
  { name: 'rollup', command: (out, room) => ['rollup', '-c', `${room}rollup.config.mjs`, '-d', out] },
  { name: 'parcel', command: (out) => ['parcel', 'build', 'index.html', '--no-cache', '--dist-dir', out] },
  {
    name: 'esbuild',
    command: (out) => ['esbuild', 'main.js', '--bundle', '--minify', '--splitting', '--format=esm', `--outdir=${out}`],
  },
]
