/** One step of a model-based test. Fits `fc.commands`; a failure prints the names of the steps that led to it. */
export interface Command<Model, Real> {
  check: (model: Readonly<Model>) => boolean
  run: (model: Model, real: Real) => void
  toString: () => string
}

export interface AsyncCommand<Model, Real> {
  check: (model: Readonly<Model>) => boolean
  run: (model: Model, real: Real) => Promise<void>
  toString: () => string
}

/** `run` does the same to the model and to the real thing and compares; `when` says whether it can happen now. */
export const command = <Model, Real>(
  name: string,
  run: (model: Model, real: Real) => void,
  when: (model: Readonly<Model>) => boolean = () => true,
): Command<Model, Real> => ({ check: when, run, toString: () => name })

export const asyncCommand = <Model, Real>(
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  when: (model: Readonly<Model>) => boolean = () => true,
): AsyncCommand<Model, Real> => ({ check: when, run, toString: () => name })
