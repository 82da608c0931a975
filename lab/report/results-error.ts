/** A recorded run that cannot be read, or a file that cannot be written. The message says what to do about it. */
export class ResultsError extends Error {}

/** What the system says about a file, in words. */
export function fileTrouble(err: unknown): string {
  const { code, message } = err as NodeJS.ErrnoException
  return (code !== undefined && WORDS[code]) || message
}

const WORDS: Record<string, string> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'it does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a folder in its path is a file',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
}
