#!/usr/bin/env bash
# MQTT.js 5.16.0 prints the password and the will when DEBUG=mqttjs* is set.
#
# It logs the CONNECT that it sends, with all of its fields. mqtt-packet, with DEBUG=mqtt-packet*, does the same.
#
# Seen with mqtt 5.16.0, mqtt-packet 9.0.2, Node 20.20.
# Workaround: use DEBUG only where nobody else reads the output. xstate-mqtt has events of its own: docs/debugging.md.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mqtt@5.16.0 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { createServer } from 'node:net'
import mqtt from 'mqtt'

// It accepts connections, and is silent.
const server = createServer().listen(0, '127.0.0.1', () => {
  const client = mqtt.connect(`mqtt://127.0.0.1:${server.address().port}`, {
    username: 'user',
    password: 'a-secret-password',
    will: { topic: 'gone', payload: 'a-secret-will' },
  })
  client.stream.once('connect', () => process.exit())
})
JS

printed="$(DEBUG='mqttjs*' node run.mjs 2>&1)"
for secret in a-secret-password a-secret-will; do
  grep -q "$secret" <<<"$printed" || { echo "It does not print $secret: the behaviour has changed"; exit 1; }
  echo "DEBUG=mqttjs* prints $secret"
done
