// Plain JavaScript, so that the Node that cannot run this repository can still say so. The npm scripts load it with
// `--import`, before Node looks at a `.ts` file.
import { existsSync } from 'node:fs'

const needed = 24
const [major] = process.versions.node.split('.').map(Number)
const installed = existsSync(new URL('../node_modules/vitest', import.meta.url))

if (major < needed || !installed) {
  const what =
    major < needed
      ? `This lab runs on Node ${needed} and this is ${process.version}.`
      : 'Nothing is installed yet.'
  const how = installed
    ? `Start it through npm (\`npm run lab\`), which uses the Node that \`npm ci\` installed; if that fails, run \`npm ci\` again.`
    : `Run \`npm ci\` first: it brings everything, Node ${needed} included.`
  process.stderr.write(`${what} ${how}\n`)
  process.exit(2)
}
