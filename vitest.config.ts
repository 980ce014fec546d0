import { defineConfig } from 'vitest/config'

const WORKSPACES = '{infra,broker,api,dashboard,device-simulator}'
/** Functions only: no server, no file, nothing of the process is changed but clocks that are put back. */
const PURE = ['dashboard/src/**/*.test.ts', 'broker/src/contract/*.test.ts', 'device-simulator/src/*.test.ts']

export default defineConfig({
  test: {
    // Two cores are the smallest machine; more workers only make real servers late.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'real',
          include: [`${WORKSPACES}/{src,test}/**/*.test.ts`],
          exclude: PURE,
          globalSetup: './infra/src/testing/global-setup.ts',
          // Real servers start inside; a hang is reported long before CI's limit.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'pure',
          include: PURE,
          // A process for each of a hundred small files would take longer than all of them.
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
