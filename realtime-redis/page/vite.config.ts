import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [react()],
  // The port of the seed, and no other in its place: the platform lets pages of this origin in.
  server: { port: 5173, strictPort: true },
})
