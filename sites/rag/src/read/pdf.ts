/** The text of a PDF, page by page. Of what a PDF may hold, only text is asked for: no scripts, forms or pictures. */

import { getDocument, GlobalWorkerOptions, PasswordException, type PDFDocumentProxy, type PDFPageProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import { endsSentence, type Section } from "../passages.ts";
import { DocumentError, MAX_CHARACTERS, type Progress, type ReadDocument } from "./document.ts";
import { pageText, type Run } from "./page_text.ts";

const MAX_PAGES = 5000;

export async function readPdf(_name: string, bytes: Uint8Array<ArrayBuffer>, progress: Progress, signal: AbortSignal): Promise<ReadDocument> {
  GlobalWorkerOptions.workerSrc = new URL("pdfjs-dist/legacy/build/pdf.worker.mjs", import.meta.url).href;
  // Later visits may be without a network.
  void navigator.serviceWorker?.ready.then(({ active }) => active?.postMessage("pdf"));
  // The reader takes the bytes for itself.
  const task = getDocument({ data: bytes.slice(), disableFontFace: true, useSystemFonts: false, enableXfa: false, verbosity: 0 });
  const stop = (): void => void task.destroy();
  signal.addEventListener("abort", stop);
  try {
    return await readPages(await task.promise, progress, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DocumentError) throw error;
    if (error instanceof PasswordException) throw new DocumentError("The PDF is encrypted: save a copy without a password, and add that.");
    throw new DocumentError(`This PDF cannot be read (${error instanceof Error ? error.message : String(error)}).`);
  } finally {
    signal.removeEventListener("abort", stop);
    await task.destroy();
  }
}

async function readPages(pdf: PDFDocumentProxy, progress: Progress, signal: AbortSignal): Promise<ReadDocument> {
  if (pdf.numPages > MAX_PAGES) throw new DocumentError(`The PDF has ${pdf.numPages} pages, and ${MAX_PAGES} are the most: split it.`);
  const sections: Section[] = [];
  let text = "";
  let blank = 0;
  for (let page = 1; page <= pdf.numPages; page++) {
    signal.throwIfAborted();
    progress(`Reading page ${page} of ${pdf.numPages}`, (page - 1) / pdf.numPages);
    const found = pageText(await runs(await pdf.getPage(page), MAX_CHARACTERS - text.length));
    if (found === "") blank += 1;
    sections.push({ start: text.length, page, heading: null });
    text += endsSentence(found) ? `${found}\n\n` : `${found}\n`;
  }
  return { text, sections, note: blank === 0 ? null : `${blank} of ${pdf.numPages} pages have no text: they may be pictures.` };
}

/** Raises DocumentError where they have more than `most` characters: a small file can hold a large text. */
async function runs(page: PDFPageProxy, most: number): Promise<Run[]> {
  const found: Run[] = [];
  let characters = 0;
  const stream: ReadableStream<{ items: object[] }> = page.streamTextContent();
  for await (const { items } of stream) {
    for (const item of items) {
      if (!isRun(item)) continue;
      characters += item.str.length + 1;
      if (characters > most) throw new DocumentError(`The PDF has more than ${MAX_CHARACTERS} characters: split it into several files.`);
      found.push(item);
    }
  }
  page.cleanup();
  return found;
}

/** The others mark where parts of a page's structure begin. */
function isRun(item: object): item is Run {
  return "str" in item && typeof item.str === "string" && "hasEOL" in item && "transform" in item && "height" in item;
}
