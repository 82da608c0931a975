/** A POST with a JSON body, as a line for a shell. */
export const curlPost = (url: string, body: object): string =>
  `curl -s -X POST ${url} -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
