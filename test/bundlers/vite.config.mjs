// Vite mentions each chunk larger than 500 kB.
export default { build: { chunkSizeWarningLimit: 1_000 } }
