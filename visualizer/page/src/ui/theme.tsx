import { useEffect, useState } from 'preact/hooks'

type Choice = 'auto' | 'light' | 'dark'

const KEY = 'xstate-mqtt theme'
const next: Readonly<Record<Choice, Choice>> = { auto: 'light', light: 'dark', dark: 'auto' }
const words: Readonly<Record<Choice, string>> = { auto: 'Auto', light: 'Light', dark: 'Dark' }

export function Theme() {
  const [choice, choose] = useState<Choice>(remembered)
  useEffect(() => {
    document.documentElement.dataset.theme = choice
    try {
      localStorage.setItem(KEY, choice)
    } catch {
      // Without storage, the choice lasts until the page is closed.
    }
  }, [choice])
  return (
    <button
      type="button"
      class="quiet theme"
      onClick={() => choose(next[choice])}
      aria-label={`Colours: ${words[choice]}. Change`}
    >
      ◐ {words[choice]}
    </button>
  )
}

function remembered(): Choice {
  try {
    const choice = localStorage.getItem(KEY)
    return choice === 'light' || choice === 'dark' ? choice : 'auto'
  } catch {
    return 'auto'
  }
}
