/**
 * The fields of `/proc/<pid>/stat` (Linux) from the state on: state, parent, process group, … The command name before them
 * may hold blanks and parentheses, so they count from the last ')'.
 */
export const statFields = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ')
