import { parseSync, Visitor } from 'vite'
import { lineAt } from './tree.ts'

export interface Mention {
  name: string
  line: number
}

export interface Source {
  /** Module specifiers of every import there is: static, re-export, dynamic, `import type` and `import('…').T`. */
  imports: Mention[]
  /** Members of `process` that are touched: `env`, `exit`, `exitCode`, … */
  processMembers: Mention[]
}

type Node = { type: string; start: number }
type Literal = Node & { value?: unknown }

/** Reads a TypeScript file as the parser sees it, so that comments and strings never count. */
export function readSource(file: string, text: string): Source {
  const { program, errors } = parseSync(file, text)
  if (errors[0]) throw new SyntaxError(`${file}: ${errors[0].message}`)
  const source: Source = { imports: [], processMembers: [] }
  const mention = (list: Mention[], name: unknown, node: Node) => {
    if (typeof name === 'string') list.push({ name, line: lineAt(text, node.start) })
  }
  const imported = ({ source: from }: { source?: Literal | null | undefined }) => {
    if (from) mention(source.imports, from.value, from)
  }

  new Visitor({
    ImportDeclaration: imported,
    ExportNamedDeclaration: imported,
    ExportAllDeclaration: imported,
    TSImportType: imported,
    ImportExpression: imported,
    MemberExpression(node) {
      if (isProcess(node.object)) mention(source.processMembers, memberName(node.property), node)
    },
    VariableDeclarator(node) {
      if (node.id.type !== 'ObjectPattern' || !node.init || !isProcess(node.init)) return
      for (const property of node.id.properties) {
        if (property.type === 'Property') mention(source.processMembers, memberName(property.key), property)
      }
    },
  }).visit(program)
  return source
}

function isProcess(node: { type: string; name?: unknown; property?: unknown }): boolean {
  if (node.type === 'Identifier') return node.name === 'process'
  return node.type === 'MemberExpression' && memberName(node.property) === 'process'
}

function memberName(node: unknown): unknown {
  const { name, value } = node as { name?: unknown; value?: unknown }
  return name ?? value
}
