import { type Command, InvalidArgumentError } from 'commander'
import { livePage, parts } from '../../parts.ts'
import { addBrokers } from './brokers.ts'
import { createProgram, openTerminal, refuseUnknownCommand } from './command-line.ts'
import { addControl } from './control.ts'
import { watchSignals } from './interrupt.ts'
import { addProve } from './prove.ts'
import { addResults } from './results.ts'
import { addRun, addTour } from './run.ts'
import { addUp } from './up.ts'

/** `npm run lab`. A family of commands has a file of its own: options, help and what they do; what parts bring along is here. */
export function labProgram(): Command {
  const program = createProgram('lab')
    .usage('[command] [options]')
    .description(
      `One food order over blocking HTTP, over RabbitMQ and over Kafka: experiments on real brokers.
Without a command: the experiments of the tour in the default profile, from nothing to a verdict each (about 4 minutes). The others compare the styles and their settings, and run by name.`,
    )
    .addHelpText(
      'after',
      `
Brokers: RABBITMQ_URL and KAFKA_BROKERS name running ones; otherwise Docker, otherwise private local ones.
LAB_BROKERS=external|docker|local decides. On a running one everything lies in virtual hosts, topics and groups of the
run, whose names begin with messaging-lab: nothing else there is read, changed or deleted, and they are deleted at the
end.

Exit code 0 when every verdict holds, 1 when one does not, 2 when the command line is wrong or results cannot be
written, 3 when nothing is broken but the machine was too busy to measure something (it was tried twice), 130 after
Ctrl-C (128 + the number of any other signal). Whatever the end, nothing is left running.
\`npx lab …\` is the same as \`npm run lab -- …\`, without the lines that npm writes first.`,
    )
    .hook('preSubcommand', (self) => {
      if (self.options.some((option) => self.getOptionValueSource(option.attributeName()) === 'cli'))
        throw new InvalidArgumentError(`Options stand after the command: ${self.name()} ${self.args[0]} …`)
    })
  addRun(program)
  addUp(program)
  addControl(program)
  addParts(program)
  addBrokers(program)
  addResults(program)
  addProve(program)
  addTour(program)
  return program
}

/** What parts and the live page bring along: they read their own arguments, `--help` included. */
function addParts(program: Command): void {
  for (const { name: part, commands } of [...parts, livePage]) {
    if (!commands) continue
    const { word, about, list } = commands
    const ofPart = program.command(word).alias(part).summary(about)
    ofPart.description(`${about}. Each command answers --help.`)
    for (const [name, command] of Object.entries(list)) {
      ofPart
        .command(`${name} [args...]`)
        .usage('[options]')
        .description(command.about)
        .helpOption(false)
        .allowUnknownOption()
        .action(async (args: string[]) => {
          const { print, say } = openTerminal()
          const { signal } = watchSignals({ say })
          const { run } = await command.load()
          process.exitCode = await run(args, { env: process.env, signal, print, say })
        })
    }
    ofPart.allowExcessArguments().action(() => {
      refuseUnknownCommand(ofPart)
      ofPart.help()
    })
  }
}
