import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import type { Finding } from './finding.ts'
import { anchors, prose } from './markdown.ts'
import { absentParts } from './parts.ts'
import { filesOf, lineAt, readText } from './tree.ts'

const linkForms = [
  /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g, // [text](target) and ![alt](target)
  /^\s*\[[^\]]+\]:\s*<?([^\s>]+)/gm, // [reference]: target
  /<(?:a|img|source)\b[^>]*\b(?:href|src|srcset)="([^"]+)"/g,
]

/** Every relative link of every Markdown file leads to a file of the repository, and its anchor to a heading. */
export function linkFindings(root: string): Finding[] {
  return filesOf(root, '**/*.md').flatMap((file) => {
    const text = prose(readText(root, file))
    return linkForms
      .flatMap((form) => [...text.matchAll(form)])
      .flatMap((match) => judge(root, file, { target: match[1] ?? '', line: lineAt(text, match.index) }))
  })
}

function judge(root: string, file: string, { target, line }: { target: string; line: number }): Finding[] {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return []
  const [path = '', anchor] = target.split('#')
  const linked = path === '' ? file : normalize(join(dirname(file), decodeURIComponent(path)))
  if (absentParts(root).includes(linked.split('/')[0]!)) return []
  if (linked.startsWith('..')) return [{ file, line, message: `link leaves the repository: ${target}` }]
  if (!existsSync(join(root, linked))) return [{ file, line, message: `broken link: ${target}` }]
  if (anchor === undefined || !linked.endsWith('.md')) return []
  if (anchors(readText(root, linked)).has(anchor)) return []
  return [{ file, line, message: `broken link: ${linked} has no heading for #${anchor}` }]
}
