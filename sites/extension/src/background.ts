/** The service worker: opens the panel, and tells it on which page the button was clicked, which is the one that may be read. */

import { choose } from "./tab";

chrome.action.onClicked.addListener((tab) => {
  void chrome.sidePanel.open({ windowId: tab.windowId }); // within the click, so before anything is waited for
  void choose(tab);
});
