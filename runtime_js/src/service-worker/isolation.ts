/** What isolates a page from other origins' windows and resources, so that its threads may share memory. A page needs no others' resources. */
const HEADERS = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" } as const;

/** The response, isolated: of a page, or of a worker's script, which must be as its page is. A redirection, or an error, stays as it is. */
export function isolated(response: Response): Response {
  if (!response.ok) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
