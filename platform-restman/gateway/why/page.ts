import { createHash } from 'node:crypto'

const style = `
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8886; vertical-align: top }
pre { white-space: pre-wrap; overflow-wrap: anywhere } td:first-child, td:nth-child(2) { font-variant-numeric: tabular-nums; white-space: nowrap }
small, .place { opacity: .7 } input { font: inherit; width: 26rem; max-width: 100% }
.wait { font-size: 1.2rem } @media (max-width: 40rem) { .place { display: none } }`

/** The token stays in this tab. Whatever comes from a service is text. */
const script = `
const orderId = location.pathname.split('/').pop()
const $ = (id) => document.getElementById(id)
const text = (tag, value, className) => Object.assign(document.createElement(tag), { textContent: value, ...(className && { className }) })
$('order').textContent = orderId
$('token').value = sessionStorage.getItem('session_token') ?? ''
$('sign').addEventListener('submit', (event) => {
  event.preventDefault()
  sessionStorage.setItem('session_token', $('token').value.trim())
  load()
})
async function load() {
  const token = sessionStorage.getItem('session_token')
  if (!token) return void ($('said').textContent = 'Whose order is it? Give the session_token of POST /api/auth/verify-otp.')
  let answer, why
  try {
    answer = await fetch('/api/orders/' + orderId + '/why', { headers: { authorization: 'Bearer ' + token } })
    why = await answer.json()
  } catch { return void ($('said').textContent = 'The gateway does not answer.') }
  $('said').textContent = answer.ok ? '' : why.detail
  $('story').hidden = !answer.ok
  if (!answer.ok) return
  const first = Date.parse(why.steps[0]?.at)
  $('status').textContent = why.status
  $('waits').replaceChildren(...(why.waiting_for.length ? why.waiting_for : ['nothing: its road is over']).map((line) => text('li', line)))
  $('steps').replaceChildren(...why.steps.map((step) => {
    const row = document.createElement('tr')
    const later = step.logged_at ? ', in the topic ' + (Date.parse(step.logged_at) - Date.parse(step.at)) + ' ms later' : ''
    row.append(
      text('td', new Date(step.at).toLocaleTimeString()),
      text('td', '+' + (Date.parse(step.at) - first) + ' ms'),
      text('td', step.where), text('td', step.what + later), text('td', step.place ?? '', 'place'))
    return row
  }))
  $('trace').textContent = why.trace_id ?? 'not known yet'
  $('links').replaceChildren(...Object.entries(why.links).map(([name, href]) => {
    const item = document.createElement('li')
    const link = Object.assign(text('a', name), { href })
    // What only its owner may see needs the token, which a plain link does not send.
    if (href.startsWith('/api/')) link.addEventListener('click', (event) => {
      event.preventDefault()
      show(href, token)
    })
    item.append(link)
    return item
  }))
}
async function show(path, token) {
  const answer = await fetch(path, { headers: { authorization: 'Bearer ' + token } })
  $('shown').textContent = path + '\\n' + JSON.stringify(await answer.json(), null, 2)
}
load()
setInterval(() => document.hidden || load(), 2000)
`

const sha = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

export const page = {
  policy: `default-src 'none'; style-src ${sha(style)}; script-src ${sha(script)}; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  html: `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Why is my order here?</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Why is my order here?</h1>
<p>Order <code id="order"></code></p>
<form id="sign"><label>Session token <input id="token" type="password" autocomplete="off"></label> <button>Show</button></form>
<p id="said" role="status"></p>
<section id="story" hidden>
<p>It is <strong id="status"></strong>, and waits for</p>
<ul id="waits" class="wait"></ul>
<h2>Its road so far</h2>
<table>
<thead><tr><th>at</th><th>since placed</th><th>where</th><th>what</th><th class="place">place in the topic</th></tr></thead>
<tbody id="steps"></tbody>
</table>
<p>Trace <code id="trace"></code> <small>(every service writes it into its log)</small></p>
<ul id="links"></ul>
<pre id="shown"></pre>
</section>
</main>
<script>${script}</script>
</body>
</html>
`,
}
