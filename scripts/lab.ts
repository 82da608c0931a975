import './require-node.mjs'
import { runProgram } from './lab/command-line.ts'
import { labProgram } from './lab/program.ts'

await runProgram('lab', labProgram())
