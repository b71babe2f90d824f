import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The page is served under a policy of `script-src 'self'; style-src 'self'`: nothing may be inlined.
export default defineConfig({
  plugins: [react()],
  resolve: { conditions: ['zzan-source', 'module', 'browser', 'development|production'] },
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: 'es2022', sourcemap: false },
  server: {
    port: 5173,
    proxy: {
      '/socket.io': { target: 'http://127.0.0.1:8080', ws: true },
      '/v1': 'http://127.0.0.1:8080',
    },
  },
});
