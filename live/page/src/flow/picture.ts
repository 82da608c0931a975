import type { Mark, Move, Stop } from '../../../wire/flow.ts'

/** How long a token takes from one stop to the next: the way is drawn, the arrival was told. */
const MOVE_MS = 350
/** How long one that has arrived is seen. */
const DONE_MS = 1_200
const DEAD_MS = 4_000
const MAX_TOKENS = 2_000
const STOPS = 6

interface Token {
  order: string
  lane: string
  stop: Stop
  mark: Mark
  /** Where it was, and is drawn, in pixels. */
  fromX: number
  fromY: number
  x: number
  y: number
  movedAt: number
}

export interface Place {
  /** Top and height of the lane in the canvas, in pixels. */
  top: number
  height: number
  colour: string
}

export interface PictureColours {
  bad: string
  wait: string
  ink: string
  paper: string
}

/**
 * Tokens on one canvas. It knows where each order was last said to be, and draws no order anywhere else: what moves is on its
 * way to the stop that was told of. Nothing is drawn while nothing moves.
 */
export class Picture {
  readonly #tokens = new Map<string, Token>()
  #places: ReadonlyMap<string, Place> = new Map()
  #colours: PictureColours = { bad: '#c00', wait: '#b80', ink: '#000', paper: '#fff' }
  #width = 0
  #isStill = false
  /** False: tokens are where they arrive, at once. */
  readonly moves: boolean

  constructor({ moves }: { moves: boolean }) {
    this.moves = moves
  }

  get size(): number {
    return this.#tokens.size
  }

  lay(places: ReadonlyMap<string, Place>, width: number, colours: PictureColours): void {
    this.#places = places
    this.#width = width
    this.#colours = colours
    this.#isStill = false
  }

  clear(): void {
    this.#tokens.clear()
    this.#isStill = false
  }

  apply(lane: string, moves: readonly Move[], now: number): void {
    this.#isStill = false
    for (const [order, stop, mark] of moves) {
      const known = this.#tokens.get(order)
      if (!known && stop === 5 && mark === '') continue // its way was not seen
      const place = this.#places.get(lane)
      const token = known ?? {
        order,
        lane,
        stop,
        mark,
        fromX: 0,
        fromY: (place?.top ?? 0) + (place?.height ?? 0) / 2,
        x: 0,
        y: (place?.top ?? 0) + (place?.height ?? 0) / 2,
        movedAt: now,
      }
      Object.assign(token, { stop, mark, fromX: token.x, fromY: token.y, movedAt: now })
      this.#tokens.set(order, token)
    }
    for (const order of this.#tokens.keys()) {
      if (this.#tokens.size <= MAX_TOKENS) break
      this.#tokens.delete(order)
    }
  }

  /** Draws, if there is anything new to see; answers whether it did. */
  draw(ctx: CanvasRenderingContext2D, height: number, now: number): boolean {
    if (this.#isStill) return false
    ctx.clearRect(0, 0, this.#width, height)
    const counts = new Map<string, number>()
    const radius = this.#tokens.size > 250 ? 2.5 : this.#tokens.size > 60 ? 4 : 6
    let isStill = true
    for (const token of this.#tokens.values()) {
      const place = this.#places.get(token.lane)
      if (!place) continue
      const age = now - token.movedAt
      const lasts = token.mark === 'dead' ? DEAD_MS : DONE_MS
      if (token.stop === 5 && age > lasts) {
        this.#tokens.delete(token.order)
        isStill = false
        continue
      }
      const key = `${token.lane}${token.stop}`
      const slot = counts.get(key) ?? 0
      counts.set(key, slot + 1)
      const to = this.#slot(place, token, slot, radius)
      const way = this.moves ? Math.min(1, age / MOVE_MS) : 1
      const eased = 1 - (1 - way) ** 3
      token.x = token.fromX + (to.x - token.fromX) * eased
      token.y = token.fromY + (to.y - token.fromY) * eased
      if (way < 1 || token.stop === 5) isStill = false
      ctx.globalAlpha = token.stop === 5 ? Math.max(0, 1 - age / lasts) : 1
      this.#dot(ctx, token, place, radius)
    }
    ctx.globalAlpha = 1
    this.#isStill = isStill
    return true
  }

  /** The order whose token is nearest, at most some pixels away. */
  at(x: number, y: number, within = 14): string | undefined {
    let best: { order: string; distance: number } | undefined
    for (const token of this.#tokens.values()) {
      const distance = Math.hypot(token.x - x, token.y - y)
      if (distance <= within && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
        best = { order: token.order, distance }
    }
    return best?.order
  }

  /** Orders of a lane by where they are, for those who do not see the picture. */
  waiting(lane: string): number[] {
    const counts = Array.from({ length: STOPS }, () => 0)
    for (const token of this.#tokens.values()) if (token.lane === lane) counts[token.stop]!++
    return counts
  }

  /** Those that wait at one stop stand side by side, in rows. */
  #slot({ top, height }: Place, { stop }: Token, slot: number, radius: number): { x: number; y: number } {
    const column = this.#width / STOPS
    const step = radius * 2 + 2
    const inRow = Math.max(1, Math.floor((column - 12) / step))
    const rows = Math.max(1, Math.floor((height - 12) / step))
    const row = Math.floor(slot / inRow) % rows
    const first = stop * column + (column - inRow * step) / 2 + step / 2
    const single = slot === 0 && (this.#tokens.size <= 60 || stop === 5)
    return {
      x: single ? stop * column + column / 2 : first + (slot % inRow) * step,
      y: top + 6 + step / 2 + row * step,
    }
  }

  /** The mark is a shape as well as a colour. */
  #dot(ctx: CanvasRenderingContext2D, { x, y, mark }: Token, { colour }: Place, radius: number): void {
    const { bad, wait } = this.#colours
    ctx.beginPath()
    if (mark === 'failed' || mark === 'dead') {
      ctx.fillStyle = bad
      ctx.rect(x - radius, y - radius, radius * 2, radius * 2)
      ctx.fill()
      if (mark === 'failed') return
      ctx.strokeStyle = this.#colours.ink
      ctx.lineWidth = 1.5
      ctx.stroke()
      return
    }
    if (mark === 'retry' || mark === 'again' || mark === 'timeout') {
      ctx.fillStyle = wait
      ctx.moveTo(x, y - radius - 1)
      ctx.lineTo(x + radius + 1, y + radius)
      ctx.lineTo(x - radius - 1, y + radius)
      ctx.closePath()
      ctx.fill()
      return
    }
    ctx.fillStyle = colour
    ctx.arc(x, y, radius, 0, 2 * Math.PI)
    ctx.fill()
  }
}
