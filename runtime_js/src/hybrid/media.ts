/** Pictures and sounds of a request as a server can read them: what only this program has goes along, as text. */

import { baseUrl } from "../api/config.ts";
import type { ChatCompletionMessageParam, ContentPart } from "../api/openai/types.ts";
import { readSoundPart } from "../api/sounds.ts";
import { Bytes } from "../media/bytes.ts";
import { readHeader } from "../media/header.ts";
import { rgbOf, isPixels } from "../media/pixels.ts";
import { asWav } from "../media/sound/compressed.ts";
import { isDrawn, isOnPage, type PictureInput } from "../media/source.ts";
import { base64 } from "../support/base64.ts";
import { RemoteError } from "../support/errors.ts";
import { Fields } from "../support/fields.ts";

/** Raises RemoteError, which names the part, where one cannot be sent. */
export async function withSentMedia(messages: readonly ChatCompletionMessageParam[]): Promise<ChatCompletionMessageParam[]> {
  return Promise.all(messages.map(async (message, i) => {
    const { content } = message;
    if (typeof content !== "object" || content === null) return message;
    return { ...message, content: await Promise.all(content.map((part, j) => withSent(part, `messages[${i}].content[${j}]`))) };
  }));
}

async function withSent(part: ContentPart, path: string): Promise<ContentPart> {
  const { image_url, input_audio } = part;
  const refuse = (what: string, how: string, error: unknown): RemoteError => (
    new RemoteError(`${path}: the ${what} cannot be sent to the remote model (${String(error)}). Give it as ${how}.`, {}, error));
  if (image_url !== undefined) {
    return { ...part, image_url: { ...image_url, url: await addressOf(image_url.url).catch((error: unknown) => { throw refuse("picture", "a Blob or a data URL", error); }) } };
  }
  if (input_audio === undefined) return part;
  if (typeof input_audio.data === "string") return { ...part, input_audio: { format: "wav", ...input_audio, data: input_audio.data.replace(/^data:[^,]*,/i, "") } };
  return { ...part, input_audio: await soundText(input_audio, path).catch((error: unknown) => { throw refuse("sound", "a WAV file in a Blob", error); }) };
}

/** WAV or MP3, which OpenAI's API takes, in base64. Raises what reading and decoding raise. */
async function soundText(sound: object, path: string): Promise<NonNullable<ContentPart["input_audio"]>> {
  const { data } = readSoundPart(new Fields(sound, `${path}.input_audio`, (message) => new RemoteError(message)), path);
  const isMp3 = /^audio[/](?:mpeg|mp3)$/.test(data.type);
  return { data: base64(new Uint8Array(await (isMp3 ? data : await asWav(data, 16)).arrayBuffer())), format: isMp3 ? "mp3" : "wav" };
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
