/** How an application of two files is bundled, with source maps, as the documentation of each bundler says for a page. */
export interface Bundler {
  /** The name of its package. */
  readonly name: string
  /** How docs/browsers.md calls it. */
  readonly title: string
  /** What there is to say about the size. */
  readonly note?: string
  /** What the application has to configure for the package. */
  readonly configuration: string
  /** @param out - the folder for the bundle */
  readonly command: (out: string, room: string) => readonly string[]
}

export const bundlers: readonly Bundler[] = [
  {
    name: 'vite',
    title: 'Vite',
    configuration: 'none, and none for its development server',
    command: (out, room) => ['vite', 'build', '--sourcemap', '-c', `${room}vite.config.mjs`, '--outDir', out],
  },
  {
    name: 'webpack',
    title: 'webpack',
    configuration: 'none',
    command: (out, room) => ['webpack', 'build', '-c', `${room}webpack.config.mjs`, '-o', out],
  },
  {
    name: '@rspack/core',
    title: 'Rspack',
    configuration: 'none',
    command: (out, room) => ['rspack', 'build', '-c', `${room}webpack.config.mjs`, '-o', out],
  },
  {
    name: 'rollup',
    title: 'Rollup',
    note: ', not minified',
    configuration: 'the plugin `node-resolve` with `browser: true`',
    command: (out, room) => ['rollup', '-m', '-c', `${room}rollup.config.mjs`, '-d', out],
  },
  {
    name: 'parcel',
    title: 'Parcel',
    configuration: 'none',
    command: (out) => ['parcel', 'build', 'index.html', '--no-cache', '--dist-dir', out],
  },
  {
    name: 'esbuild',
    title: 'esbuild',
    configuration: '`--bundle --format=esm --splitting`',
    command: (out) => [
      ...'esbuild main.js --bundle --minify --sourcemap --splitting --format=esm'.split(' '),
      `--outdir=${out}`,
    ],
  },
]
