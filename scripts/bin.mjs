#!/usr/bin/env node
// `npx lab …`: what `npm run lab -- …` does, without the lines that npm writes first.
import './require-node.mjs'

await import('./lab.ts')
