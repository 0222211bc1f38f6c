import type { Exploration } from './explore.ts'
import { progressNames } from './progress.ts'
import { NEVER_THROWS, properties } from './properties.ts'

/** What a model is called, and what its exploration found. */
export interface Explored {
  readonly name: string
  readonly states: number
  readonly steps: number
  /** How often each property was checked, by its name. */
  readonly checked: Readonly<Record<string, number>>
}

export function explored(name: string, { states, steps, checked }: Exploration): Explored {
  return { name, states, steps, checked: Object.fromEntries(checked) }
}

/** The names of all properties, in the order of the table. */
export const propertyNames: readonly string[] = [NEVER_THROWS, ...properties.map(({ name }) => name), ...progressNames]

/** Returns the tables of the models and of the properties, as Markdown. */
export function modelTable(models: readonly Explored[]): string {
  const checks = (name: string) => models.reduce((sum, { checked }) => sum + (checked[name] ?? 0), 0)
  return [
    '| model | states | transitions |',
    '| --- | ---: | ---: |',
    ...models.map(modelRow),
    '',
    '| property | checked |',
    '| --- | ---: |',
    ...propertyNames.map((name) => `| ${name} | ${count(checks(name))} |`),
  ].join('\n')
}

export function modelRow({ name, states, steps }: Pick<Explored, 'name' | 'states' | 'steps'>): string {
  return `| ${name} | ${count(states)} | ${count(steps)} |`
}

function count(number: number): string {
  return number.toLocaleString('en')
}
