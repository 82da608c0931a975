/** An experiment of the lab, as `npm run lab -- list --json` names it. */
export interface ExperimentShown {
  name: string
  part: string
  question: string
}

/** What a recorded run came to, without its figures. */
export interface RunShown {
  /** Its folder under results/. */
  id: string
  profile: string
  started_at: string
  complete: boolean
  verdicts: { name: string; verdict: string }[]
}

/** The run that the page started, or started last. */
export interface RunUnderWay {
  experiment: string
  /** What was expected, in the words of whoever started it. */
  predicted: string
  started_at: number
  state: 'running' | 'over'
  /** What it said last, oldest first. */
  lines: string[]
  exit_code: number | null
  /** Its folder under results/, as soon as there is one. */
  id: string | null
}

/** `GET /api/experiments`. */
export interface Experiments {
  /** Why none can be run from here; null when they can. */
  obstacle: string | null
  experiments: ExperimentShown[]
  /** Newest first. */
  runs: RunShown[]
  current: RunUnderWay | null
}

export interface Curve {
  name: string
  /** A y of null: nothing was measured from here to the next. */
  points: [x: number, y: number | null][]
  step?: boolean
}

export interface ChartShown {
  title: string
  x: { label: string; unit: string; scale: string }
  y: { label: string; unit: string; scale: string }
  series: Curve[]
}

/** `GET /api/experiments/runs/<id>`: of each experiment what a person reads. */
export interface RunFigures {
  id: string
  profile: string
  has_report: boolean
  experiments: {
    name: string
    question: string
    verdict: string
    duration_seconds: number
    reading: string[]
    checks: { name: string; holds: boolean; detail: string }[]
    charts: ChartShown[]
  }[]
}
