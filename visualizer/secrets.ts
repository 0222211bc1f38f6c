/** What is put where a secret was. */
export const REDACTED = '[redacted]'

/** A word of a name that makes a string under it a secret: `accessToken`, `x-api-key`, `MQTT_PASSWORD`. */
const SECRET_WORDS = new Set(
  (
    'auth authentication authorization bearer body cert certificate cookie cookies credential credentials jwt key keys ' +
    'otp passphrase passwd password passwords payload payloads pfx pin pwd sas secret secrets sig signature ' +
    'token tokens username userproperties headers wsheaders apikey'
  ).split(' '),
)

/** `key` alone is a key of the keyboard, of a map, … more often than one that opens something. */
const ONLY_WITH_OTHERS = new Set(['key', 'keys', 'cert'])

export interface NameKind {
  /** Strings and bytes under this name are secrets. */
  readonly strings: boolean
  /** Numbers are too, and of an object only the shape is shown: `token`, not `tokenRefreshes`. */
  readonly all: boolean
}

const PLAIN: NameKind = { strings: false, all: false }
const kinds = new Map<string, NameKind>()

/** Names repeat for ever, so what they are is remembered; but a program may also make up names without end. */
export function kindOfName(name: string): NameKind {
  const known = kinds.get(name)
  if (known) return known
  if (kinds.size > 2_000) kinds.clear()
  const kind = judge(name)
  kinds.set(name, kind)
  return kind
}

function judge(name: string): NameKind {
  if (name.length > 100) return { strings: true, all: true }
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(Boolean)
  const joined = words.join('')
  const counts = (word: string) => SECRET_WORDS.has(word) && (words.length > 1 || !ONLY_WITH_OTHERS.has(word))
  const strings = words.some(counts) || counts(joined)
  if (!strings) return PLAIN
  return { strings, all: counts(words.at(-1) ?? '') || counts(joined) }
}

const MAX_LOOKED_AT = 4_096

const patterns: readonly [RegExp, string | ((match: string, ...groups: string[]) => string)][] = [
  [/-----BEGIN [^]*/g, REDACTED],
  [/\b([a-z][a-z\d+.-]*:\/\/)([^\s"'<>`]+)/gi, (_match, scheme = '', rest = '') => scheme + withoutSecrets(rest)],
  [/\b(bearer|basic|digest|negotiate|token|aws4-hmac-sha256)\s+[\w+/=.~:-]{6,}/gi, `$1 ${REDACTED}`],
  [
    /((?:pass(?:word|wd|phrase)?|pwd|secret|token|jwt|api-?_?key|access-?_?key|sig(?:nature)?|auth(?:orization)?|credentials?|x-amz-[\w-]+)["']?\s*[=:]\s*)(?!\[redacted\])(?:"[^"]*"?|'[^']*'?|[^\s"',;&)}\]]+)/gi,
    `$1${REDACTED}`,
  ],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*)+/g, REDACTED],
  [/[\w+/=-]{28,}/g, (match) => (looksRandom(match) ? REDACTED : match)],
]

/** Texts in which nothing was found: names and states repeat for ever. */
const clean = new Set<string>()

/** The text without what looks like a secret in it: signed URLs, tokens, `password=…`, PEM. */
export function withoutPatterns(text: string): string {
  if (text.length < 8 || clean.has(text)) return text
  const shown = searched(text)
  if (shown === text && text.length < 100) {
    if (clean.size > 2_000) clean.clear()
    clean.add(text)
  }
  return shown
}

function searched(text: string): string {
  let shown = text.length > MAX_LOOKED_AT ? text.slice(0, MAX_LOOKED_AT) : text
  for (const [pattern, replacement] of patterns) shown = shown.replace(pattern, replacement as string)
  return shown
}

/** User, password, query and fragment of a URL: everything that can sign it. */
function withoutSecrets(rest: string): string {
  const path = /^[^?#]*/.exec(rest)?.[0] ?? ''
  const slash = path.indexOf('/')
  const at = (slash === -1 ? path : path.slice(0, slash)).lastIndexOf('@')
  const shown = at === -1 ? path : `${REDACTED}@${path.slice(at + 1)}`
  return path.length < rest.length ? `${shown}${rest[path.length]}${REDACTED}` : shown
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

/** Letters and digits mixed, as nobody writes by hand. A UUID names something. */
function looksRandom(text: string): boolean {
  if (UUID.test(text)) return false
  const digits = text.replaceAll(/\D/g, '').length
  const turns = text.match(/[a-z](?=\d)|\d(?=[a-z])|[a-z](?=[A-Z])/g)?.length ?? 0
  return digits >= 3 && turns >= 5
}
