/** Pictures of requests: what may be one, and how they are made ready to be sent to where the model is. */

import type { Prompt } from "../engine/answer.ts";
import type { PictureData } from "../media/decode.ts";
import { MAX_ADDRESS } from "../media/fetch.ts";
import { canDecode } from "../media/sound/compressed.ts";
import { DETAILS, isDrawn, isOnPage, isSendable, isSound, type MediaInput, type PictureSource } from "../media/source.ts";
import { RequestValidationError } from "../support/errors.ts";
import { isPixels } from "../media/pixels.ts";
import type { Fields } from "../support/fields.ts";
import { baseUrl } from "./config.ts";
import { decodedHere, readSentSound } from "./sounds.ts";

/** Reads `url` and `detail` of the part at `path`. Raises the error of the fields. */
export function readPicture(picture: Fields, path: string): PictureSource {
  const detail = picture.optional("detail", (key) => picture.oneOf(key, DETAILS));
  picture.onlyKeys(["url", "detail"]);
  return { data: readUrl(picture), path, ...(detail !== undefined && { detail }) };
}

function readUrl(picture: Fields): PictureSource["data"] {
  const given = picture.raw("url");
  if (isSendable(given) || isOnPage(given)) return given;
  if (typeof given !== "string") throw picture.wrong("url", "an address, or a Blob, ImageBitmap, VideoFrame, canvas or picture of a page, or pixels ({ data, width, height })");
  const url = picture.string("url", MAX_ADDRESS);
  if (/^(?:data|blob):/i.test(url)) return url;
  const address = URL.canParse(url, baseUrl()) ? new URL(url, baseUrl()) : undefined;
  if (address === undefined || !["http:", "https:", new URL(baseUrl()).protocol].includes(address.protocol) || address.protocol === "file:") {
    throw picture.wrong("url", "an address that begins with http:, https:, data: or blob:");
  }
  return address.href;
}

/** Reads a picture, or a sound, as it comes to a worker. Raises the error of the fields. */
export function readSentPicture(picture: Fields): MediaInput {
  if (picture.has("kind")) return readSentSound(picture, MAX_PATH);
  const detail = picture.optional("detail", (key) => picture.oneOf(key, DETAILS));
  const data = picture.raw("data");
  return {
    data: isSendable(data) ? data : picture.string("data", MAX_ADDRESS), path: picture.string("path", MAX_PATH), ...(detail !== undefined && { detail }),
  };
}

const MAX_PATH = 256;

/** What this thread alone knows, or would lose. */
function isOwn(source: MediaInput): boolean {
  const { data } = source;
  if (isSound(source)) return canDecode(); // what a page decodes, its workers do not
  return typeof data === "string" ? /^blob:/i.test(data) : isDrawn(data) || isOnPage(data);
}

/** Such a picture as it is now, as one that may be handed over: bitmaps and frames share their pixels with what they are made of. */
async function sent(source: MediaInput): Promise<MediaInput> {
  return isSound(source) ? decodedHere(source) : { ...source, data: await sentPicture(source) };
}

async function sentPicture({ data, path }: PictureSource): Promise<string | PictureData> {
  if (data instanceof Blob || isPixels(data)) return data;
  if (typeof data === "string") return /^blob:/i.test(data) ? fetched(data, path) : data;
  try {
    return await ("clone" in data ? data.clone() : createImageBitmap(data));
  } catch (error) {
    throw new RequestValidationError(`${path}: the picture cannot be drawn (${String(error)}): it was closed, is not loaded yet, or is empty. Give another one.`, { param: path });
  }
}

async function fetched(url: string, path: string): Promise<Blob> {
  const response = await fetch(url).catch(() => undefined);
  if (response?.ok === true) return response.blob();
  throw new RequestValidationError(`${path}: nothing is behind the address ${url.slice(0, 80)}; it was revoked, or is another page's. Give the Blob itself.`, { param: path });
}

function picturesOf(prompt: Prompt): readonly MediaInput[] {
  return prompt.kind === "chat" ? prompt.conversation.messages.flatMap(({ pictures = [] }) => pictures) : [];
}

export function hasPictures(prompt: Prompt): boolean {
  return picturesOf(prompt).length > 0;
}

async function withSent(prompt: Prompt): Promise<Prompt> {
  if (prompt.kind !== "chat") return prompt;
  const messages = await Promise.all(prompt.conversation.messages.map(async (message) => (message.pictures === undefined ? message : {
    ...message, pictures: await Promise.all(message.pictures.map(sent)),
  })));
  return { ...prompt, conversation: { ...prompt.conversation, messages } };
}

/** The same prompt for each of several answers: with pictures that can be sent, each its own, as they are now. Undefined: it can be sent as it is. */
export function sendable(prompt: Prompt, answers: number): Promise<Prompt[]> | undefined {
  if (!picturesOf(prompt).some(isOwn)) return undefined;
  return Promise.all(Array.from({ length: answers }, () => withSent(prompt)));
}

/** A prompt that is sent more than once: what a message hands over is gone here. */
export class KeptPrompt {
  constructor(readonly prompt: Prompt) {}

  /** With pictures of its own. */
  async copy(): Promise<Prompt> {
    return (await sendable(this.prompt, 1))?.[0] ?? this.prompt;
  }

  /** Gives the memory of its pictures back. */
  close(): void {
    for (const { data } of picturesOf(this.prompt)) if (isDrawn(data)) data.close();
  }
}

/** What a message with this prompt hands over to another thread. */
export function transfers(prompt: Prompt): Transferable[] {
  return picturesOf(prompt).flatMap(({ data }) => (isDrawn(data) ? [data] : []));
}
