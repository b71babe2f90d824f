import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['zzan-source'] },
  ssr: { resolve: { conditions: ['zzan-source'] } },
  test: { include: ['sdk/test/**/*.test.ts', 'app/test/**/*.test.ts'] },
});
