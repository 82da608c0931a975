export interface Block {
  language: string
  /** Line of the document on which the first line of the block stands. */
  line: number
  text: string
}

const fence = /^ {0,3}(```+|~~~+)\s*([\w-]*)[^\n]*\n([\s\S]*?)^ {0,3}\1\s*$/gm

/** Fenced code blocks of a document. */
export function codeBlocks(markdown: string): Block[] {
  return [...markdown.matchAll(fence)].map((match) => ({
    language: match[2] ?? '',
    line: markdown.slice(0, match.index).split('\n').length + 1,
    text: match[3] ?? '',
  }))
}

/** The document with code blanked out, so that what is left is prose on the same lines. */
export function prose(markdown: string): string {
  const blank = (code: string) => code.replace(/[^\n]/g, ' ')
  return markdown.replace(fence, blank).replace(/(`+)(?!`)[^\n]*?[^`]\1(?!`)/g, blank)
}

/** Anchors of a document's headings, as GitHub makes them. */
export function anchors(markdown: string): Set<string> {
  const found = new Set<string>()
  const withoutBlocks = markdown.replace(fence, '')
  for (const [, heading = ''] of withoutBlocks.matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = slugOf(heading)
    let unique = slug
    for (let n = 1; found.has(unique); n++) unique = `${slug}-${n}`
    found.add(unique)
  }
  for (const [, id = ''] of withoutBlocks.matchAll(/<\w+[^>]*\b(?:id|name)="([^"]+)"/g)) found.add(id)
  return found
}

const slugOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')
