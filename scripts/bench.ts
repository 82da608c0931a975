import './require-node.mjs'
import { benchProgram } from './lab/bench.ts'
import { runProgram } from './lab/command-line.ts'

await runProgram('bench', benchProgram())
