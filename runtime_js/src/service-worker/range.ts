/** The part of a file that a `Range` header asks for. Null where it asks for several or cannot be read: then the whole file is the answer. */
function parseRange(header: string, size: number): { readonly first: number; readonly end: number } | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return null;
  if (first === "") return { first: Math.max(size - Number(last), 0), end: last === "0" ? 0 : size };
  if (last !== "" && Number(last) < Number(first)) return null;
  return { first: Number(first), end: last === "" ? size : Math.min(Number(last) + 1, size) };
}

/** Answers a request for a stored file. */
export function fileResponse(file: Blob, headers: Headers): Response {
  const asked = headers.get("range");
  // Stored files have no validator, so `If-Range` never holds.
  const range = asked === null || headers.has("if-range") ? null : parseRange(asked, file.size);
  const type = file.type === "" ? "application/octet-stream" : file.type;
  if (range === null) return new Response(file, { headers: { "Content-Type": type, "Accept-Ranges": "bytes", "Content-Length": String(file.size) } });
  const { first, end } = range;
  if (first >= end) return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${file.size}` } });
  return new Response(file.slice(first, end), {
    status: 206,
    headers: { "Content-Type": type, "Content-Length": String(end - first), "Content-Range": `bytes ${first}-${end - 1}/${file.size}` },
  });
}
