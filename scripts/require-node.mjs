// Plain JavaScript, so that the Node that cannot run this repository can still say so. The npm scripts load it with
// `--import`, before Node looks at a `.ts` file.
import { existsSync } from 'node:fs'
import http from 'node:http'

const needed = 24
const [major] = process.versions.node.split('.').map(Number)
const installed = (name) => existsSync(new URL(`../node_modules/${name}`, import.meta.url))

if (major < needed || !installed('vitest')) {
  const what =
    major < needed
      ? `This lab runs on Node ${needed} and this is ${process.version}.`
      : 'Nothing is installed yet.'
  process.stderr.write(`${what} ${advice()}\n`)
  process.exit(2)
}

callThisMachineDirectly()

/** What to do, and which setting of npm's stands in the way: the same command again would end in the same place. */
function advice() {
  const {
    npm_config_omit: omit,
    npm_config_production: production,
    NODE_ENV,
    npm_config_ignore_scripts,
  } = process.env
  if (!installed('vitest')) {
    const reason =
      NODE_ENV === 'production'
        ? 'NODE_ENV=production'
        : omit
          ? `npm's setting omit=${omit}`
          : production === 'true'
            ? "npm's setting production"
            : undefined
    // The project's .npmrc includes the development packages, unless an older npm does not know how.
    return reason
      ? `Run \`npm ci --include=dev\`: ${reason} kept npm from installing what the lab runs on.`
      : `Run \`npm ci\` first: it brings everything, Node ${needed} included.`
  }
  if (!installed('node/bin/node') && !installed('node/bin/node.exe')) {
    const reason =
      npm_config_ignore_scripts === 'true'
        ? "npm's setting ignore-scripts kept it away"
        : 'its install script did not run'
    return `It comes with \`npm ci\`, but ${reason}: run \`npm rebuild node --ignore-scripts=false\`.`
  }
  return 'Start it through npm (`npm run lab`), which uses the Node that `npm ci` installed; if that fails, run `npm ci` again.'
}

/**
 * With NODE_USE_ENV_PROXY Node sends every request through the proxy of the environment, those to the lab's own services
 * as well: no proxy can reach them. What is on other machines still goes through it. Children of this process inherit it.
 */
function callThisMachineDirectly() {
  const { NODE_USE_ENV_PROXY, NODE_OPTIONS = '', no_proxy, NO_PROXY } = process.env
  const flags = [...process.execArgv, ...NODE_OPTIONS.split(' ')]
  if (!(Number(NODE_USE_ENV_PROXY) > 0) && !flags.includes('--use-env-proxy')) return
  const excepted = [no_proxy ?? NO_PROXY, '127.0.0.1', 'localhost', '::1', '[::1]'].filter(Boolean).join(',')
  process.env.no_proxy = excepted
  process.env.NO_PROXY = excepted
  http.setGlobalProxyFromEnv?.(process.env)
}
