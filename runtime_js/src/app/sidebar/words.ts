import type { Words } from "../words/en.ts";

/** A script that comes late is given its words. */
export type ChatWords = Words["chats"];
