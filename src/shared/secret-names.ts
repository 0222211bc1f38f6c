/** Words that mark a name as that of a secret: `accessToken`, `x-api-key`, `MQTT_PASSWORD`. */
const SECRET_WORDS = new Set(
  (
    'auth authentication authorization bearer body cert certificate cookie cookies credential credentials jwt key keys ' +
    'otp passphrase passwd password passwords payload payloads pfx pin pwd sas secret secrets sig signature ' +
    'token tokens username userproperties headers wsheaders apikey'
  ).split(' '),
)

/** Words that do not count alone: `key` is more often the key of a map or a keyboard than a secret. */
const ONLY_WITH_OTHERS = new Set(['key', 'keys', 'cert'])

export interface NameKind {
  /** Strings and bytes under this name are secrets. */
  readonly strings: boolean
  /** Numbers are secrets too, and only the shape of an object is shown. True for `token`, but not for `tokenRefreshes`. */
  readonly all: boolean
}

const PLAIN: NameKind = { strings: false, all: false }
const kinds = new Map<string, NameKind>()

/** Judges a name. Names repeat, so results are cached. The cache is limited, because a program may generate any names. */
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
