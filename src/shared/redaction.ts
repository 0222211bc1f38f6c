/** Replaces a secret. */
export const REDACTED = '[redacted]'

const MAX_LOOKED_AT = 4_096

const patterns: readonly [RegExp, string | ((match: string, ...groups: string[]) => string)][] = [
  [/-----BEGIN [^]*/g, REDACTED],
  [/\b([a-z][a-z\d+.-]*:\/\/)([^\s"'<>`]+)/gi, (_match, scheme = '', rest = '') => scheme + withoutSignature(rest)],
  [
    /\b(bearer|basic|digest|negotiate|token|aws4-hmac-sha256)\s+([\w+/=.~:-]{6,})/gi,
    // Not secrets: servers write `token expired` and `basic authentication required`.
    (match, scheme = '', rest = '') => (/^[a-z]{1,15}[.:]?$/.test(rest) ? match : `${scheme} ${REDACTED}`),
  ],
  [
    /((?:pass(?:word|wd|phrase)?|pwd|secret|token|jwt|api-?_?key|access-?_?key|sig(?:nature)?|auth(?:orization)?|credentials?|x-amz-[\w-]+)["']?\s*[=:]\s*)(?!\[redacted\])(?:"[^"]*"?|'[^']*'?|[^\s"',;&)}\]]+)/gi,
    `$1${REDACTED}`,
  ],
  [/\beyJ[\w-]{6,}(?:\.[\w-]*)+/g, REDACTED],
  [/[\w+/=-]{28,}/g, (match) => (looksRandom(match) ? REDACTED : match)],
]

/** A cache of texts without secrets, because names and states are repeated all the time. */
const clean = new Set<string>()

/** Removes everything that looks like a secret from a text: signed URLs, tokens, `password=…`, PEM. */
export function withoutSecrets(text: string): string {
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

/** Removes the user, password, query and fragment of a URL, all of which can contain a signature. */
function withoutSignature(rest: string): string {
  const path = /^[^?#]*/.exec(rest)?.[0] ?? ''
  const slash = path.indexOf('/')
  const at = (slash === -1 ? path : path.slice(0, slash)).lastIndexOf('@')
  const shown = at === -1 ? path : `${REDACTED}@${path.slice(at + 1)}`
  return path.length < rest.length ? `${shown}${rest[path.length]}${REDACTED}` : shown
}

/** Identifiers, which are not secrets: UUIDs, MAC addresses, times, and hexadecimal numbers of up to 64 bits. */
const NAMES =
  /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{2}(?:-[\da-f]{2}){5}|\d{8}T\d{6}Z?|(?<![a-z\d])(?:0x)?[\da-f]{8,16}(?![a-z\d])/gi

/** Patterns that are frequent in random letters and digits and rare in names, with their weights. */
const turns: readonly (readonly [RegExp, number])[] = [
  // A digit before a letter. Names usually have digits at the end of a word: `Floor12`, `GATEWAY_3`.
  [/\d(?=[a-z])/gi, 2.5],
  // `XUtn`: several capitals before a word.
  [/[A-Z](?=[A-Z][a-z])/g, 3],
  // `camelCase`.
  [/[a-z](?=[A-Z])/g, 0.4],
]

/** One such pattern proves nothing, and neither do a few in a long name: both limits must be reached. */
const MIN_WEIGHT = 5
const LETTERS_A_POINT = 6

/** Only words of this length count. Shorter ones are names, or parts of a longer random text. */
const LONG_WORD = /[a-z\d]{8,}/gi

/** Returns whether letters and digits are mixed as in hexadecimal, Base32 or Base64, in one case or both. */
function looksRandom(text: string): boolean {
  const words = text.replaceAll(NAMES, '-').match(LONG_WORD)?.join('-') ?? ''
  const weight = turns.reduce((sum, [turn, each]) => sum + each * (words.match(turn)?.length ?? 0), 0)
  return weight >= MIN_WEIGHT && weight * LETTERS_A_POINT >= words.length
}
