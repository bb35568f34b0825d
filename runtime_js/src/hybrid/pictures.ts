/** Pictures of a request as a server can read them: those that only this program has go along, as data URLs. */

import { baseUrl } from "../api/config.ts";
import type { ChatCompletionMessageParam, ContentPart } from "../api/openai/types.ts";
import { Bytes, readHeader } from "../media/header.ts";
import { rgbOf, isPixels } from "../media/pixels.ts";
import { isDrawn, isOnPage, type PictureInput } from "../media/source.ts";
import { base64 } from "../support/base64.ts";
import { RemoteError } from "../support/errors.ts";

/** Raises RemoteError, which names the part, where a picture cannot be sent. */
export async function withSentPictures(messages: readonly ChatCompletionMessageParam[]): Promise<ChatCompletionMessageParam[]> {
  return Promise.all(messages.map(async (message, i) => {
    const { content } = message;
    if (typeof content !== "object" || content === null) return message;
    return { ...message, content: await Promise.all(content.map((part, j) => withSent(part, `messages[${i}].content[${j}]`))) };
  }));
}

async function withSent(part: ContentPart, path: string): Promise<ContentPart> {
  if (part.image_url === undefined) return part;
  try {
    return { ...part, image_url: { ...part.image_url, url: await addressOf(part.image_url.url) } };
  } catch (error) {
    throw new RemoteError(`${path}: the picture cannot be sent to the remote model (${String(error)}). Give it as a Blob or a data URL.`, {}, error);
  }
}

/** Raises what reading and drawing raise. */
async function addressOf(url: string | PictureInput): Promise<string> {
  if (typeof url === "string") return /^blob:/i.test(url) ? dataUrl(await (await fetch(url)).blob()) : new URL(url, baseUrl()).href;
  return dataUrl(url instanceof Blob ? url : await png(url));
}

async function dataUrl(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const type = file.type === "" ? `image/${readHeader(new Bytes(bytes)).format?.toLowerCase() ?? "png"}` : file.type;
  return `data:${type};base64,${base64(bytes)}`;
}

async function png(picture: Exclude<PictureInput, Blob>): Promise<Blob> {
  if (isPixels(picture)) {
    const { width, height, data } = rgbOf(picture);
    const colors = new Uint8ClampedArray(4 * width * height).fill(255);
    for (let i = 0; i < width * height; i++) colors.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
    return encoded(width, height, (context) => context.putImageData(new ImageData(colors, width, height), 0, 0));
  }
  const bitmap = isOnPage(picture) || isDrawn(picture) ? await createImageBitmap(picture) : picture;
  try {
    return await encoded(bitmap.width, bitmap.height, (context) => context.drawImage(bitmap, 0, 0));
  } finally {
    bitmap.close();
  }
}

async function encoded(width: number, height: number, draw: (context: OffscreenCanvasRenderingContext2D) => void): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser gives no canvas");
  draw(context);
  return canvas.convertToBlob();
}
