const HANDSHAKE_RECORD = 22
const SERVER_HELLO = 2
const CERTIFICATE_REQUEST = 13
const SERVER_HELLO_DONE = 14

/** What a server answers a ClientHello of TLS 1.2, which is not encrypted yet (RFC 5246 §7.4). */
export interface ServerFlight {
  /** Whether it asks for a client certificate; `undefined` if it ends before it has said so. */
  readonly asksForCertificate?: boolean
  /** The version that it chooses, if that is an old one: it has no newer one then. */
  readonly oldVersion?: string
}

/** By their numbers in a ServerHello. */
const OLD_VERSIONS: Readonly<Record<number, string>> = { 0x0300: 'SSLv3', 0x0301: 'TLSv1', 0x0302: 'TLSv1.1' }

/** @param bytes - everything that the server has sent */
export function readFlight(bytes: Buffer): ServerFlight {
  const messages = Buffer.concat(handshakeRecords(bytes))
  let [oldVersion, asksForCertificate]: [string?, boolean?] = []
  for (let at = 0; at + 4 <= messages.length; at += 4 + messages.readUIntBE(at + 1, 3)) {
    const type = messages[at]
    if (type === SERVER_HELLO && at + 6 <= messages.length) oldVersion = OLD_VERSIONS[messages.readUInt16BE(at + 4)]
    if (type === CERTIFICATE_REQUEST) asksForCertificate = true
    if (type === SERVER_HELLO_DONE) asksForCertificate ??= false
  }
  return {
    ...(oldVersion !== undefined && { oldVersion }),
    ...(asksForCertificate !== undefined && { asksForCertificate }),
  }
}

function handshakeRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = []
  let at = 0
  while (at + 5 <= bytes.length && bytes[at] === HANDSHAKE_RECORD) {
    const end = at + 5 + bytes.readUInt16BE(at + 3)
    records.push(bytes.subarray(at + 5, end))
    at = end
  }
  return records
}
