import type { PartSpec } from '@lab/stack/spec.ts'
import { parts } from '../../parts.ts'

const partLine = ({ name, services, basePort }: PartSpec) =>
  `  ${name.padEnd(20)}${services.map(({ port }) => port).join(', ')}; from ${basePort}`

const control = (
  action: string,
  what: string,
) => `Usage: npm run lab -- ${action} <part>/<service or server> [options]

${what}
It has to be of an \`up\` of this user; \`npm run lab -- ps\` names all. What is so already stays so, and that is no error.

  --run <id>   of which run, where several are up
  --json       what came of it as JSON
  --verbose    with an error, also where it happened
  --help       this text

Exit code 0 when it is so, 1 when it could not be done, 2 when there is no such thing.
`

/** The help of the command line as a whole and of each command. Lines that are indented by two name commands first. */
export const HELP = {
  lab: `Usage: npm run lab [-- <command> [options]]

One food order over blocking HTTP, over RabbitMQ and over Kafka: experiments on real brokers.
Without a command: the experiments of the tour in the default profile, from nothing to a verdict each (about 4
minutes). The others compare the styles and their settings, and run by name.

  list                    the experiments and the question each one answers
  run <experiment…>       some experiments: by name, by part, or like 'rest-*'
  up [part…]              one part, or all three styles, kept running to try things by hand
  ps                      what is up: each service and server of a part, its state and pid
  stop <part>/<name>      one of these, in order
  kill <part>/<name>      at once
  start <part>/<name>     again, with its own environment, port and data
  pause <part>/<name>     it stands still, and keeps its connections
  resume <part>/<name>    it goes on
  dlq list|show|edit|redrive|discard
                          the dead letters of RabbitMQ and Kafka: look, repair, send back, give up
  brokers                 which RabbitMQ and Kafka a run would use here, and what is missing
  report <run>            the report of a recorded run, made again from its results.json
  compare <run> <run>     two recorded runs side by side
  prove                   break each guarantee on purpose, and see which check notices

  --profile <name>        quick, default, full or soak (without a command, and for run)
  --json                  results as JSON on stdout, progress on stderr
  --out <folder>          where results go (default: results/)
  --verbose               with an error, also where it happened
  --help                  this text; after a command, the command's own

Brokers: RABBITMQ_URL and KAFKA_BROKERS name running ones; otherwise Docker, otherwise private local ones.
LAB_BROKERS=external|docker|local decides. On a running one everything lies in virtual hosts, topics and groups of the
run, whose names begin with messaging-lab: nothing else there is read, changed or deleted, and they are deleted at the
end.

Exit code 0 when every verdict holds, 1 when one does not, 2 when the command line is wrong or results cannot be
written, 3 when nothing is broken but the machine was too busy to measure something (it was tried twice), 130 after
Ctrl-C (128 + the number of any other signal). Whatever the end, nothing is left running.
\`npx lab …\` is the same as \`npm run lab -- …\`, without the lines that npm writes first.
`,
  run: `Usage: npm run lab -- run <experiment…> [options]

Runs experiments, shows a table and a verdict for each, and stops everything again. An experiment is named by its name,
by its part (all experiments of the part), by a beginning ('rest'), by a pattern ('*-delay'), or 'all'.

  --profile <name>   quick (seconds), default, full (the figures the experiments are known by, up to minutes each);
                     soak (half an hour under faults: fault-matrix)
  --only <pattern>   of an experiment over many cases (fault-matrix), those whose name is like 'SIGKILL*'
  --json             the content of results.json on stdout and nothing else; progress on stderr
  --out <folder>     where results go (default: results/)
  --against <what>   processes (default), or compose: containers of the part's docker-compose.yml, stopped, killed and
                     started through the Docker engine; refused for what asks a server alone
  --verbose          with an error, also where it happened
  --help             this text
`,
  report: `Usage: npm run lab -- report <run> [options]

Reads results.json of a recorded run and writes report.html beside it, as every run does at its end. A run is named by
its folder under results/, by a path, or 'latest'. Results that were cut off, edited or written by another version are
refused, and an older report stays as it is.
Exit code 0 when its figures may be believed, 1 when they may not, 3 when the machine was too busy to measure them.

  --out <folder>   where the runs are (default: results/)
  --verbose        with an error, also where it happened
  --help           this text
`,
  compare: `Usage: npm run lab -- compare <run> <run> [options]

Shows the verdicts and the figures of two recorded runs side by side, and says which of them differ by more than they
move from one repetition to the next. Figures that were measured once in each run cannot tell.

  --html <file>    also as a page, with the curves of both runs in the same charts
  --out <folder>   where the runs are (default: results/)
  --verbose        with an error, also where it happened
  --help           this text
`,
  prove: `Usage: npm run lab -- prove [options]

Breaks one guarantee after the other in a copy of the repository, by a small patch, and runs the check that has to
notice. First all checks run without a patch: one that is red already proves nothing. About ten minutes; the copy is
removed at the end.

  --only <name>   one mutation, those that begin so ('rabbit'), or those like '*-doubled'; may be repeated
  --list          names the mutations, the guarantees they break and their checks; runs nothing
  --json          the verdicts as JSON on stdout, progress on stderr
  --verbose       with an error, also where it happened
  --help          this text

Exit code 0 when every mutation is caught, 1 when one survives or a check proves nothing, 130 after Ctrl-C.
`,
  list: `Usage: npm run lab -- list [--json]

Names every experiment, its part and its question.

  --json   as JSON
  --help   this text
`,
  up: `Usage: npm run lab -- up [part…] [options]

Starts parts, without a name the three styles, with the servers they need, and a page on which to see and to break them;
prints where everything is, and commands to try; waits for Ctrl-C; stops everything. Meanwhile, in another terminal,
\`ps\`, \`stop\`, \`kill\`, \`start\`, \`pause\` and \`resume\` have power over each service and server.

  part                ports on its own, and side by side with others
${parts.map(partLine).join('\n')}

  --ports <which>   fixed (default), free: any ports that are free, or a number: the first part begins there, the next
                    one a hundred further
  --page-port <n>   the port of the page (default: 8400; with --ports, one that goes with it)
  --no-page         without the page
  --durable         services keep their state in files, so it survives the kill of a service (until Ctrl-C)
  STOCK             a variable: what the inventories start with, as STOCK=burger=5000,pizza=50 npm run lab -- up
  --verbose         with an error, also where it happened
  --help            this text
`,
  ps: `Usage: npm run lab -- ps [--json]

Names every service and server that an \`up\` of this user runs, its state, pid and address. A server of somebody else is
named too, and never touched.

  --run <id>   of one run, where several are up
  --json       as JSON
  --verbose    with an error, also where it happened
  --help       this text
`,
  stop: control('stop', 'Stops it in order (SIGTERM), and waits until it is gone.'),
  kill: control(
    'kill',
    'Ends it at once (SIGKILL): what it had not written is lost, as when a machine dies.',
  ),
  start: control(
    'start',
    'Starts it again with its own environment, port and data, and waits until it is ready. What is paused goes on.',
  ),
  pause: control('pause', 'Makes it stand still (SIGSTOP): it keeps its connections and answers nothing.'),
  resume: control('resume', 'Lets it go on (SIGCONT).'),
  brokers: `Usage: npm run lab -- brokers [--json]

Says for RabbitMQ and Kafka which one a run would use here, and how to install what is missing. Starts nothing.

  --json   as JSON
  --help   this text
`,
} as const

export type Topic = keyof typeof HELP
