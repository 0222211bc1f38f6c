import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'react' } },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 1_000,
    rolldownOptions: {
      // 'use client' is for Next.js. (@vitejs/plugin-react does the same.)
      onLog: (level, log, report) => log.code === 'MODULE_LEVEL_DIRECTIVE' || report(level, log),
    },
  },
})
