/** A request's body, of which no more is read than may be; undefined where it has more than `limit` bytes. */
export async function readBody(request: Request, limit: number): Promise<ArrayBuffer | undefined> {
  if (Number(request.headers.get("content-length") ?? 0) > limit) return undefined;
  if (request.body === undefined) { // Firefox tells no part of it, and keeps what is long on disk
    const whole = await request.blob();
    return whole.size > limit ? undefined : whole.arrayBuffer();
  }
  const [parts, reader]: [Uint8Array<ArrayBuffer>[], ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined] = [[], request.body?.getReader()];
  let bytes = 0;
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    bytes += read.value.length;
    if (bytes > limit) {
      await reader?.cancel();
      return undefined;
    }
    parts.push(read.value);
  }
  return new Blob(parts).arrayBuffer();
}
