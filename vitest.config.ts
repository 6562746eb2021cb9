import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/bundle.ts",
    // Those kill processes and take minutes: `npm run test:faults`.
    exclude: ["test/faults/**"],
    // Tests start real servers and child processes: give them room on two cores, and never retry.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    retry: 0,
    pool: "forks",
    // Loading the code anew for each file takes a third of the time: what a test keeps in a module it takes away.
    isolate: false,
    // Vitest leaves one core free, which on two is half of them. Most files wait for servers and child processes.
    maxWorkers: "100%",
  },
});
