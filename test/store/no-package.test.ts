import { expect, test, vi } from 'vitest'

import { StoreError } from '../../src/index.ts'
import { openDatabase } from '../../src/store/database.ts'

vi.mock('classic-level', () => ({ ClassicLevel: undefined }))

test('a path without classic-level, as in a browser, says what to install', async () => {
  const opening = openDatabase('./outbox')
  await expect(opening).rejects.toBeInstanceOf(StoreError)
  await expect(opening).rejects.toThrow(/^the store \.\/outbox is a path, .*: npm install classic-level$/)
})
