/** The button that shows what is stored on this device. */

import { byId } from "../view/dom.ts";

export function storageButton(): HTMLButtonElement {
  return byId("open-storage", HTMLButtonElement);
}

/** Shows what is stored, to make room. */
export function openStorage(): void {
  storageButton().click();
}
