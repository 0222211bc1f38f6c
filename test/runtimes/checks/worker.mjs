// The checks in a Cloudflare Worker: `/?check=NAME` runs one of them and answers with its result.
import { checks } from './checks.mjs'

export default {
  async fetch(request, { LAB }) {
    const name = new URL(request.url).searchParams.get('check')
    const began = Date.now()
    try {
      return Response.json({ name, ok: true, note: await checks[name](JSON.parse(LAB)), took: Date.now() - began })
    } catch (error) {
      return Response.json({ name, ok: false, note: String(error?.message ?? error), took: Date.now() - began })
    }
  },
}
