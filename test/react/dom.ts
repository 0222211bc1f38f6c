// MQTT.js decides when it is loaded whether it runs in a browser, and React DOM too: the first has to come before the DOM.
import '../../src/index.ts'

import { Window } from 'happy-dom'
import type { ReactElement, ReactNode } from 'react'
import { afterAll, onTestFinished, vi } from 'vitest'

const window = new Window()
vi.stubGlobal('window', window)
vi.stubGlobal('document', window.document)
vi.stubGlobal('navigator', window.navigator)
vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
const { act, Component, createElement, StrictMode } = await import('react')
const { createRoot, hydrateRoot } = await import('react-dom/client')

afterAll(async () => {
  vi.unstubAllGlobals()
  await window.happyDOM.close()
})

/** A tree in StrictMode, unless `strict` is `false`. It is unmounted after the test. With `html`, React hydrates it. */
export async function render(tree: ReactNode, { strict = true, html }: { strict?: boolean; html?: string } = {}) {
  const element = document.createElement('div')
  const wrapped = (each: ReactNode): ReactElement => createElement(strict ? StrictMode : Plain, null, each)
  const complaints: unknown[] = []
  const onRecoverableError = (error: unknown) => void complaints.push(error)
  if (html !== undefined) element.innerHTML = html
  const root = await act(async () => {
    if (html !== undefined) return hydrateRoot(element, wrapped(tree), { onRecoverableError })
    const created = createRoot(element, { onRecoverableError })
    created.render(wrapped(tree))
    return created
  })
  const unmount = () => act(async () => root.unmount())
  onTestFinished(unmount)
  return {
    element,
    complaints,
    text: () => element.textContent,
    rerender: (next: ReactNode) => act(async () => root.render(wrapped(next))),
    unmount,
  }
}

/** Shows the error that a component below it throws. */
export class Boundary extends Component<{ readonly children?: ReactNode }, { readonly error?: Error }> {
  override state: { readonly error?: Error } = {}

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render(): ReactNode {
    return this.state.error ? String(this.state.error) : this.props.children
  }
}

function Plain({ children }: { readonly children?: ReactNode }): ReactNode {
  return children
}

export { act }
