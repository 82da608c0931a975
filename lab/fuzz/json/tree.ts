/**
 * JSON as it is written, not as it is meant: a scalar is its own text, so `1e400`, `NaN` and `01` have a place, and an object
 * is a list of members, so a key can come twice.
 */
export type Json = string | Json[] | { members: [key: string, value: Json][] }

export function textOf(json: Json): string {
  if (typeof json === 'string') return json
  if (Array.isArray(json)) return `[${json.map(textOf).join(',')}]`
  return `{${json.members.map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`
}

/** Where a node is: the index at each level. */
type Place = number[]

const childrenOf = (json: Json): Json[] => {
  if (typeof json === 'string') return []
  return Array.isArray(json) ? json : json.members.map(([, value]) => value)
}

/** Every node, the root first. */
export function placesIn(json: Json): Place[] {
  return [[], ...childrenOf(json).flatMap((child, at) => placesIn(child).map((place) => [at, ...place]))]
}

/** A copy with the node at `place` replaced by what `change` makes of it; undefined takes it out of its parent. */
export function changeAt(
  json: Json,
  place: Place,
  change: (node: Json) => Json | undefined,
): Json | undefined {
  const [at, ...rest] = place
  if (at === undefined) return change(json)
  if (typeof json === 'string') return json
  const child = childrenOf(json)[at]
  if (child === undefined) return json
  const changed = changeAt(child, rest, change)
  if (Array.isArray(json)) return changed === undefined ? json.toSpliced(at, 1) : json.with(at, changed)
  const [key] = json.members[at]!
  const members =
    changed === undefined ? json.members.toSpliced(at, 1) : json.members.with(at, [key, changed])
  return { members }
}
