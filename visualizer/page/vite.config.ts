import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // The server may be behind a proxy that adds a path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../../dist/visualizer/page', import.meta.url)),
    emptyOutDir: true,
    license: { fileName: 'THIRD-PARTY.txt' },
    target: 'es2022',
    // The Content-Security-Policy takes no inline script, and data: only for images.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // ELK is one file of 1.6 MB. It is loaded only for the machines of others.
    chunkSizeWarningLimit: 2_000,
    reportCompressedSize: true,
  },
})
