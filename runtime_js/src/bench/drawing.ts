/** For tests/bench/drawing.html: how a conversation is drawn, without a model. */

export { Late, lateScripts } from "../view/late.ts";
export { MessageList } from "../view/message_list.ts";
export { Scroller } from "../view/scroll.ts";
export { WORDS } from "../view/words.ts";
