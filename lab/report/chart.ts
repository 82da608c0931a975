import { z } from 'zod'
import { MEANINGS } from './palette.ts'

const Axis = z.object({
  label: z.string(),
  unit: z.string(),
  scale: z.enum(['linear', 'log', 'percentile']),
})
export type Axis = z.infer<typeof Axis>

const Point = z
  .tuple([z.number(), z.number().nullable()])
  .describe('A y of null: from here to the next point nothing was measured')
export type Point = z.infer<typeof Point>
/** A point at which there is something to draw. */
export type MeasuredPoint = [x: number, y: number]

export const isMeasured = (point: Point): point is MeasuredPoint => point[1] !== null

const Series = z.object({
  name: z.string(),
  n: z.int().min(0).describe('Samples behind the curve'),
  points: z.array(Point),
  step: z.boolean().optional().describe('Whether a value holds until the next point'),
  means: z.enum(MEANINGS).optional().describe('What its colour stands for, in every chart'),
})
export type Series = z.infer<typeof Series>

/** Curves over a common axis, as an experiment records them; the type experiments fill in is `Chart` of theirs. */
export const Chart = z.object({
  title: z.string(),
  x: Axis,
  y: Axis,
  series: z.array(Series),
  marks: z.array(z.object({ x: z.number(), label: z.string() })).optional(),
})
export type Chart = z.infer<typeof Chart>
