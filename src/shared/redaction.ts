/** What is put where a secret was. */
export const REDACTED = '[redacted]'

const MAX_LOOKED_AT = 4_096

const patterns: readonly [RegExp, string | ((match: string, ...groups: string[]) => string)][] = [
  [/-----BEGIN [^]*/g, REDACTED],
  [/\b([a-z][a-z\d+.-]*:\/\/)([^\s"'<>`]+)/gi, (_match, scheme = '', rest = '') => scheme + withoutSignature(rest)],
  [
    /\b(bearer|basic|digest|negotiate|token|aws4-hmac-sha256)\s+([\w+/=.~:-]{6,})/gi,
    // Servers write `token expired` and `basic authentication required`.
    (match, scheme = '', rest = '') => (/^[a-z]{1,15}[.:]?$/.test(rest) ? match : `${scheme} ${REDACTED}`),
  ],
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

/** User, password, query and fragment of a URL: everything that can sign it. */
function withoutSignature(rest: string): string {
  const path = /^[^?#]*/.exec(rest)?.[0] ?? ''
  const slash = path.indexOf('/')
  const at = (slash === -1 ? path : path.slice(0, slash)).lastIndexOf('@')
  const shown = at === -1 ? path : `${REDACTED}@${path.slice(at + 1)}`
  return path.length < rest.length ? `${shown}${rest[path.length]}${REDACTED}` : shown
}

/** What names something and opens nothing: UUIDs, MAC addresses, times, and hexadecimal numbers of up to 64 bits. */
const NAMES =
  /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{2}(?:-[\da-f]{2}){5}|\d{8}T\d{6}Z?|(?<![a-z\d])(?:0x)?[\da-f]{8,16}(?![a-z\d])/gi

/** What turns up often where letters and digits are drawn by lot, and seldom in names, with its weight. */
const turns: readonly (readonly [RegExp, number])[] = [
  // Names have their digits at the end of a word, mostly: `Floor12`, `GATEWAY_3`.
  [/\d(?=[a-z])/gi, 2.5],
  // `XUtn`: several capitals, and then a word.
  [/[A-Z](?=[A-Z][a-z])/g, 3],
  // `camelCase`.
  [/[a-z](?=[A-Z])/g, 0.4],
]

/** One digit before a letter is no sign of chance, and neither is one in a long name. */
const MIN_WEIGHT = 5
const LETTERS_A_POINT = 6

/** Shorter words are left out of account: they are names, or parts of what is random as a whole. */
const LONG_WORD = /[a-z\d]{8,}/gi

/** Letters and digits mixed, as nobody writes by hand: hexadecimal, Base32, Base64, in one case or both. */
function looksRandom(text: string): boolean {
  const words = text.replaceAll(NAMES, '-').match(LONG_WORD)?.join('-') ?? ''
  const weight = turns.reduce((sum, [turn, each]) => sum + each * (words.match(turn)?.length ?? 0), 0)
  return weight >= MIN_WEIGHT && weight * LETTERS_A_POINT >= words.length
}
