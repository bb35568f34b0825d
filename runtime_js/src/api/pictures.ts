/** Pictures of requests: what may be one, and how they are made ready to be sent to where the model is. */

import type { Prompt } from "../engine/answer.ts";
import { MAX_ADDRESS } from "../media/fetch.ts";
import { DETAILS, isDrawn, isOnPage, isSendable, type PictureInput, type PictureSource } from "../media/source.ts";
import { RequestValidationError } from "../support/errors.ts";
import type { Fields } from "../support/fields.ts";
import { baseUrl } from "./config.ts";

/** Reads `url` and `detail` of the part at `path`. Raises the error of the fields. */
export function readPicture(picture: Fields, path: string): PictureSource {
  const detail = picture.optional("detail", (key) => picture.oneOf(key, DETAILS));
  picture.onlyKeys(["url", "detail"]);
  return { data: readUrl(picture), path, ...(detail !== undefined && { detail }) };
}

function readUrl(picture: Fields): PictureSource["data"] {
  const given = picture.raw("url");
  if (isSendable(given) || isOnPage(given)) return given;
  if (typeof given !== "string") throw picture.wrong("url", "an address, or a Blob, ImageBitmap, VideoFrame, canvas or picture");
  const url = picture.string("url", MAX_ADDRESS);
  if (/^(?:data|blob):/i.test(url)) return url;
  const address = URL.canParse(url, baseUrl()) ? new URL(url, baseUrl()) : undefined;
  if (address === undefined || !["http:", "https:", new URL(baseUrl()).protocol].includes(address.protocol) || address.protocol === "file:") {
    throw picture.wrong("url", "an address that begins with http:, https:, data: or blob:");
  }
  return address.href;
}

/** Reads a picture as it comes to a worker. Raises the error of the fields. */
export function readSentPicture(picture: Fields): PictureSource {
  const detail = picture.optional("detail", (key) => picture.oneOf(key, DETAILS));
  const data = picture.raw("data");
  return {
    data: isSendable(data) ? data : picture.string("data", MAX_ADDRESS), path: picture.string("path", MAX_PATH), ...(detail !== undefined && { detail }),
  };
}

const MAX_PATH = 256;

/** What this thread alone knows, or what another takes away when it is sent. */
function isOwn({ data }: PictureSource): boolean {
  return typeof data === "string" ? /^blob:/i.test(data) : !(data instanceof Blob);
}

/** Such a picture as one that can be sent. A picture that `isLast` goes itself. */
async function sent(data: string | PictureInput, path: string, isLast: boolean): Promise<string | PictureInput> {
  if (typeof data !== "string") return data instanceof Blob || (isLast && isDrawn(data)) ? data : createImageBitmap(data);
  if (!/^blob:/i.test(data)) return data;
  const response = await fetch(data).catch(() => undefined);
  if (response?.ok === true) return response.blob();
  throw new RequestValidationError(`${path}: nothing is behind the address ${data.slice(0, 80)}; it was revoked, or is another page's. Give the Blob itself.`, { param: path });
}

function picturesOf(prompt: Prompt): readonly PictureSource[] {
  return prompt.kind === "chat" ? prompt.conversation.messages.flatMap(({ pictures = [] }) => pictures) : [];
}

export function hasPictures(prompt: Prompt): boolean {
  return picturesOf(prompt).length > 0;
}

async function withSent(prompt: Prompt, isLast: boolean): Promise<Prompt> {
  if (prompt.kind !== "chat") return prompt;
  const messages = await Promise.all(prompt.conversation.messages.map(async (message) => (message.pictures === undefined ? message : {
    ...message, pictures: await Promise.all(message.pictures.map(async (one) => ({ ...one, data: await sent(one.data, one.path, isLast) }))),
  })));
  return { ...prompt, conversation: { ...prompt.conversation, messages } };
}

/** The same prompt for each of several answers: with pictures that can be sent, each its own, as they are now. Undefined: it can be sent as it is. */
export function sendable(prompt: Prompt, answers: number): Promise<Prompt[]> | undefined {
  if (!picturesOf(prompt).some(isOwn)) return undefined;
  return Promise.all(Array.from({ length: answers }, (_, i) => withSent(prompt, i === answers - 1)));
}

/** What a message with this prompt hands over to another thread. */
export function transfers(prompt: Prompt): Transferable[] {
  return picturesOf(prompt).flatMap(({ data }) => (isDrawn(data) ? [data] : []));
}
