import { readdir, readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Refusal } from './access.ts'

/**
 * The folder of the built page. It is next to this file's folder, or in `dist` when this file runs as TypeScript. The URL
 * of this file can end with a query, which tsx adds.
 */
export const builtPage = fileURLToPath(
  new URL(/\.ts(\?|$)/.test(import.meta.url) ? '../../dist/visualizer/page/' : '../page/', import.meta.url),
)

/** The page loads and runs only files from this server, and no site can show it in a frame. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const SECURITY_HEADERS = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // The token is in the URL.
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
}

/** Serves one file. The path is looked up in the list of existing files, so no path leads out of the folder. */
export async function servePage(folder: string, path: string, response: ServerResponse): Promise<Refusal | undefined> {
  const files = await listFiles(folder)
  if (!files.has('/index.html')) {
    const message = `The page is not built: ${folder} has no index.html. In a checkout, run npm run build.`
    return { status: 503, message }
  }
  const file = files.get(path === '/' ? '/index.html' : path)
  if (file === undefined) return { status: 404, message: 'Not found.' }
  const body = await readFile(file)
  response.writeHead(200, {
    ...SECURITY_HEADERS,
    'Content-Type': CONTENT_TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Length': body.byteLength,
    // The next version may have files with the same names.
    'Cache-Control': 'no-store',
  })
  response.end(body)
  return undefined
}

export function refuse(response: ServerResponse, { status, message }: Refusal): void {
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    ...(status === 405 && { Allow: 'GET, HEAD' }),
  })
  response.end(`${message}\n`)
}

async function listFiles(folder: string): Promise<Map<string, string>> {
  // Symbolic links are not served, because they could lead anywhere.
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(files.map((file) => [`/${relative(folder, file).split(sep).join('/')}`, file]))
}
