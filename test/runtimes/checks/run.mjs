// Runs the checks one after another, in Node and whatever is like Node, and prints a line of JSON for each. The process then
// has to end by itself.
import { checks } from './checks.mjs'
import { localChecks } from './local.mjs'

const lab = JSON.parse(process.env.LAB)
const only = process.env.ONLY?.split(',')

for (const [name, check] of Object.entries({ ...checks, ...localChecks })) {
  if (only && !only.includes(name)) continue
  const began = Date.now()
  let result
  try {
    result = { name, ok: true, note: await check(lab) }
  } catch (error) {
    result = { name, ok: false, note: String(error?.message ?? error) }
  }
  console.log(JSON.stringify({ ...result, took: Date.now() - began }))
}
