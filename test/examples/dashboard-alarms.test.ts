import { expect, test } from 'vitest'

import type { Alarm } from '../../examples/dashboard/src/plant.ts'
import { withNews } from '../../examples/dashboard/src/with-news.ts'

const alarm = { text: 'Flow is low', since: 1_000, acknowledged: false }
const acknowledged = { ...alarm, acknowledged: true }
const next = { ...alarm, since: 2_000 }

test.each<[name: string, known: Alarm | undefined, news: Alarm, shown: Alarm]>([
  ['the first', undefined, alarm, alarm],
  ['an acknowledgement', alarm, acknowledged, acknowledged],
  ['an older message that takes back an acknowledgement', acknowledged, alarm, acknowledged],
  ['another alarm after an acknowledged one', acknowledged, next, next],
  ['the end of an acknowledged alarm', acknowledged, null, null],
  ['an alarm after the end of one', null, next, next],
])('the dashboard is told of %s', (_name, known, news, shown) => {
  const others = { 'plant/alarm/level': acknowledged }
  const before = known === undefined ? others : { ...others, 'plant/alarm/flow': known }
  expect(withNews(before, 'plant/alarm/flow', news)).toEqual({ ...others, 'plant/alarm/flow': shown })
})
