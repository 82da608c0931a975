interface Shown {
  From: { Address: string } | null
  To: { Address: string }[]
  Subject: string
  Created: string
  Text: string
}

const STYLE = `:root { color-scheme: light dark } body { font: 1rem/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }
summary { cursor: pointer } pre { white-space: pre-wrap; overflow-wrap: anywhere } small { opacity: .7 }`

/** What was caught, the newest first, as text. */
export function page(mails: Shown[]): string {
  const rows = mails.map(
    ({ From, To, Subject, Created, Text }) =>
      `<details><summary><strong>${asText(Subject)}</strong> to ${asText(To.map(({ Address }) => Address).join(', '))}
<small>from ${asText(From?.Address ?? 'nobody')} at ${asText(Created)}</small></summary><pre>${asText(Text)}</pre></details>`,
  )
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="10"><title>Mail catcher</title><style>${STYLE}</style></head>
<body><h1>Mail catcher</h1><p>${mails.length} mail(s). Nothing here was sent to anybody.</p>
${rows.join('\n')}
</body></html>
`
}

function asText(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  }
  return text.replaceAll(/[&<>"']/g, (letter) => names[letter]!)
}
