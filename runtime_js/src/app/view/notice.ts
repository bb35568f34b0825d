/** The line above the chat: something worth knowing that stops nothing. */

import { byId, element } from "./dom.ts";

/** Show a sentence with a button; either way it goes when the button is pressed. */
export function showNotice(text: string, button: string, onPress: () => void = () => undefined): void {
  const notice = byId("notice", HTMLElement);
  const action = element("button", { type: "button", class: "primary" }, button);
  action.addEventListener("click", () => {
    notice.hidden = true;
    onPress();
  });
  notice.replaceChildren(element("span", {}, text), action);
  notice.hidden = false;
}
