import type { Finding } from './finding.ts'
import { filesOf, lineAt, readJson, readText } from './tree.ts'

const textFiles = [
  '**/*.{ts,mjs,js,json,md,yml,yaml,html,css,sh}',
  '**/{Dockerfile,.npmrc,.nvmrc,.gitignore,.dockerignore,.env*}',
  '.ci/*',
]

const traces: { pattern: RegExp; what: string }[] = [
  { pattern: /(?<![\w.~-])\/(?:root|home|work|Users)\/[\w.-]+/g, what: "a path of one person's machine" },
  {
    pattern:
      /\b(?:registry\.(?:npmjs\.org|yarnpkg\.com)|repo1?\.maven\.(?:apache\.)?org|npm\.pkg\.github\.com)\b/g,
    what: 'a registry host',
  },
  { pattern: /\/\/(?:artifactory|nexus|verdaccio)[\w.-]*/g, what: 'a registry host' },
]

/** The repository installs and runs anywhere, so it names nobody's folders and nobody's registry. */
export function traceFindings(root: string): Finding[] {
  return [...filesOf(root, textFiles).flatMap((file) => tracesIn(root, file)), ...resolvedHosts(root)]
}

function tracesIn(root: string, file: string): Finding[] {
  const text = readText(root, file)
  return traces.flatMap(({ pattern, what }) =>
    [...text.matchAll(pattern)].map((match) => ({
      file,
      line: lineAt(text, match.index),
      message: `names ${what}: ${match[0]}`,
    })),
  )
}

/** A lock file with hosts in it installs only where these hosts answer. */
function resolvedHosts(root: string): Finding[] {
  const [file] = filesOf(root, 'package-lock.json')
  if (!file) return []
  const { packages } = readJson<{ packages: Record<string, { resolved?: string }> }>(root, file)
  const hosts = Object.entries(packages).filter(([, { resolved }]) => resolved?.includes('://'))
  return hosts
    .slice(0, 3)
    .map(([name]) => ({ file, message: `${name || 'the root'} is resolved from a host: see .npmrc` }))
}
