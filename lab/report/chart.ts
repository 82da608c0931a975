import { z } from 'zod'

const Axis = z.object({
  label: z.string(),
  unit: z.string(),
  scale: z.enum(['linear', 'log', 'percentile']),
})
export type Axis = z.infer<typeof Axis>

const Point = z.tuple([z.number(), z.number()])
export type Point = z.infer<typeof Point>

const Series = z.object({
  name: z.string(),
  n: z.int().min(0).describe('Samples behind the curve'),
  points: z.array(Point),
  step: z.boolean().optional().describe('Whether a value holds until the next point'),
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
