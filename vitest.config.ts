import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{infra,broker,api,dashboard,device-simulator}/{src,test}/**/*.test.ts'],
    globalSetup: './infra/src/testing/global-setup.ts',
    // Real servers start inside; a hang is reported long before CI's limit.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores are the smallest machine; more workers only make real servers late.
    maxWorkers: 2,
  },
})
