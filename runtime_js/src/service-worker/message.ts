/** What a page sends to a waiting service worker to let the new build take over. */
export const ACTIVATE = "webllm-build:activate";

/** What a page of a build asks the service worker that controls it, with a port. Only one of another build answers. */
export function comparing(build: string): string {
  return `webllm-build:compare ${build}`;
}

/** Whether that is such a question, from a page of another build. */
export function isOfAnother(build: string, question: unknown): boolean {
  return typeof question === "string" && question.startsWith(comparing("")) && question !== comparing(build);
}
