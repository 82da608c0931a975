import { isExecutable, onPath, requirePiece } from '../servers/pieces.ts'
import type { Piece, ServerContext } from '../servers/server.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const ON_MACOS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

const piece: Piece = {
  label: 'Chromium',
  packages: { debian: ['chromium'], fedora: 'chromium', brew: '--cask google-chrome' },
}

/** The program that CHROMIUM_PATH names, else a Chromium or Chrome of this machine. */
export function findChromium(env: NodeJS.ProcessEnv): string | undefined {
  if (env.CHROMIUM_PATH) return env.CHROMIUM_PATH
  return NAMES.map((name) => onPath(name, env)).find(Boolean) ?? ON_MACOS.find(isExecutable)
}

/** Answers the path of a browser, after installing one where the lab installs what it needs. */
export const requireChromium = (ctx: ServerContext): Promise<string> => requirePiece(piece, ctx, findChromium)
