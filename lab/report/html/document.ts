import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MEANINGS, paletteCss } from '../palette.ts'
import { type Content, html, type Markup, trusted } from './markup.ts'

const sheet = readFileSync(join(import.meta.dirname, 'page.css'), 'utf8')
const css = trusted(
  `:root {
${paletteCss('light')}
}
@media screen and (prefers-color-scheme: dark) {
:root {
${paletteCss('dark')}
}
}
${MEANINGS.map((meaning) => `.of-${meaning} {\ncolor: var(--${meaning});\n}`).join('\n')}
${sheet}`.replace(/\n\s*/g, '\n'),
)

/** The policy forbids what the page does not need, scripts and any address: a file that was mailed stays silent. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"

/** A whole page in one file: no script, nothing to fetch. */
export function document({ title, main }: { title: string; main: Content }): string {
  const page: Markup = html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${css}</style>
</head>
<body>
<a class="skip" href="#main">To the results</a>
${main}
</body>
</html>
`
  return `<!doctype html>\n${page.text}`
}
