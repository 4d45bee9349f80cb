// Builds the page into build/web/dist: relative addresses, hashed names, nothing fetched from elsewhere.
import { defineConfig } from 'vite';

const server = 'http://127.0.0.1:8080'; // `npm run dev` passes API calls on to a running `aquilon serve`

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '/v1': server, '/health': server } },
  build: {
    outDir: '../build/web/dist',
    emptyOutDir: true,
    target: 'es2024',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
