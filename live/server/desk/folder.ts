import { resolve } from 'node:path'

/** Where the desk keeps its audit trail: outside of any run, which takes its folder along when it ends. */
export const deskFolder = ({ DESK_DIR }: { DESK_DIR?: string | undefined }): string =>
  DESK_DIR === undefined ? resolve(import.meta.dirname, '../../../results/desk') : resolve(DESK_DIR)
