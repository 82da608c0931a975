import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type UserConfig } from 'vite'

/**
 * mqtt.js offers browsers one file with every Node module in it: 98 kB gzipped, five sixths of what the page may have.
 * A build takes the modules instead, and leaves out what a browser cannot do (SOCKS) or does by itself (URLs): 72 kB.
 * `vite dev` takes the file.
 */
const smallMqtt: UserConfig = {
  resolve: {
    alias: [
      { find: /^mqtt$/, replacement: 'mqtt/index' },
      {
        find: /^(\.\/socks|url)$/,
        replacement: fileURLToPath(new URL('src/lib/nothing.ts', import.meta.url)),
      },
    ],
  },
  build: {
    rolldownOptions: {
      transform: {
        inject: { process: 'process/browser.js', Buffer: ['buffer/', 'Buffer'] },
        define: { global: 'globalThis' },
      },
    },
  },
}

export default defineConfig(({ command }) => ({
  ...(command === 'build' && smallMqtt),
  plugins: [svelte()],
  // The port of the seed, and no other in its place: bookmarks and the broker's rules know it.
  server: { port: 5173, strictPort: true },
}))
