const WIDTH = 110

/** TypeScript that stands in data as it is. */
export class Code {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Writes plain data as TypeScript, as a person would: on one line if it is short. */
export function literal(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return numberOf(value)
  if (typeof value !== 'object' || value === null) return String(value)
  if (value instanceof Code) return value.text
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  const items = Array.isArray(value)
    ? value.map(literal)
    : Object.entries(value).flatMap(([name, each]) =>
        each === undefined ? [] : [`${/^[a-z_$][\w$]*$/i.test(name) ? name : quoted(name)}: ${literal(each)}`],
      )
  if (items.length === 0) return `${open}${close}`
  const space = Array.isArray(value) ? '' : ' '
  const line = `${open}${space}${items.join(', ')}${space}${close}`
  if (line.length <= WIDTH && !line.includes('\n')) return line
  return `${open}\n${items.map((item) => `${item.replaceAll(/^(?=.)/gm, '  ')},`).join('\n')}\n${close}`
}

function quoted(text: string): string {
  const json = JSON.stringify(text)
  return text.includes("'") ? json : `'${json.slice(1, -1).replaceAll('\\"', '"')}'`
}

/** Large whole numbers get separators. */
function numberOf(value: number): string {
  if (!Number.isSafeInteger(value) || Math.abs(value) < 10_000) return String(value)
  return value.toLocaleString('en').replaceAll(',', '_')
}
