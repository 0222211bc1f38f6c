import { defineConfig } from 'vitest/config'

// Projects in different groups run one after the other, so that a broker or a browser has the machine to itself.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/brokers/**', 'test/browser/**', 'test/e2e/**'],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      alone('e2e', 60_000, 1),
      alone('brokers', 60_000, 2),
      alone('browser', 120_000, 3),
    ],
  },
})

function alone(name: string, testTimeout: number, groupOrder: number) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout,
      hookTimeout: testTimeout,
      maxWorkers: 1,
      sequence: { groupOrder },
    },
  }
}
