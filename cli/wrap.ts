/**
 * Wraps paragraphs to a width. A line that begins with two spaces is code: it is neither joined with others nor wrapped.
 * A word that is longer than a line stays whole, so that it can be copied.
 */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let paragraph: string[] = []
  const end = () => {
    lines.push(...wrapWords(paragraph.join(' ').split(/\s+/).filter(Boolean), width))
    paragraph = []
  }
  for (const line of text.split('\n')) {
    if (line !== '' && !line.startsWith('  ')) {
      paragraph.push(line)
      continue
    }
    end()
    lines.push(line)
  }
  end()
  return lines
}

function wrapWords(words: readonly string[], width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of words) {
    if (line === '') line = word
    else if (line.length + 1 + word.length <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = word
    }
  }
  return line === '' ? lines : [...lines, line]
}
