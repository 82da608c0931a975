/** How wide pictures are drawn. Text is 11 units high, which a narrow screen shows as 10 pixels. */
export const WIDTHS = { half: 360, whole: 760 } as const
export const PLOT_HEIGHT = 165
export const LINE = 13

/** Where the curves are, in the units of the picture, which is `width` wide. */
export interface Frame extends Box {
  width: number
}

export interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

/** About how wide the text gets. Fonts differ: this is wider than most. */
export const widthOf = (text: string): number => text.length * 6.1

export const overlaps = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom

/** `text` or as much of its beginning as fits. */
export function fitted(text: string, width: number): string {
  const room = Math.max(1, Math.floor(width / widthOf('x')))
  const characters = [...text]
  return characters.length <= room ? text : `${characters.slice(0, Math.max(1, room - 1)).join('')}…`
}
