/** Of what is written and answered, and of the chats that are kept. */

import { WORDS as view } from "../../../view/words.ts";
import { plural } from "../fill.ts";

const CHAT = {
  view,
  /** Told to those who hear the page. */
  announce: { ready: "The model is ready.", answering: "The model is answering." },
  notice: {
    close: "Close",
    copy: "The browser does not let this page copy. Select the text yourself.",
    part: "A part of this page could not be fetched. Check the connection and try again.",
    update: "A new version of this page is ready. What was written is kept.",
    load: "Load it",
    storage: "The browser offers {size} of storage: the model will run, but be downloaded again next time.",
    gpuLost: "The GPU was lost. The model goes on, on the CPU.",
    makeRoom: "Make room",
    takeSmaller: "Take {name}",
    keepModel: "Let the browser keep the model, if it asks: otherwise it may delete it when space gets short, and it must be downloaded again.",
  },
  /** Of the chats that the browser keeps. you, model: above what each has said, in a file. */
  chats: {
    list: "Chats",
    search: "Search chats",
    more: "More: {title}",
    rename: "Rename",
    name: "Name of the chat",
    /** What the model is asked. */
    askName: "Name this conversation in at most six words. Write the name alone.",
    pin: "Pin",
    unpin: "Unpin",
    pinned: "Pinned",
    delete: "Delete",
    asJson: "Save as JSON",
    asMarkdown: "Save as Markdown",
    exportAll: "Export all",
    import: "Import",
    none: "Chats are kept in this browser alone.",
    noneFound: "No chat has this.",
    importFailed: "This file could not be imported: {why}",
    you: "You",
    model: "Model",
    refused: "The browser does not keep chats here: what is said lasts as long as this page.",
    full: "The browser has no room left for chats: what is said now lasts as long as this page, unless you make room.",
    newer: "The chats here were kept by a newer version of this page. They are as they were; load the page again to see them.",
    missing: "The chat of this link is not in this browser.",
    deleted: "Deleted: {title}",
    undo: "Undo",
    deletedElsewhere: "This chat was deleted in another tab.",
    keep: "Keep it",
    untitled: "New chat",
    close: "Close the list",
    imported: plural({ one: "{count} chat was imported.", other: "{count} chats were imported." }),
  },
  /** Why a continuation ended. */
  endings: {
    stop: "The model ended the text here.",
    length: "Stopped at the longest continuation that the settings allow.",
    abort: "Stopped.",
    failed: "Broken off by an error.",
  },
  /** Who answers, and what asks before anything leaves. */
  remote: {
    device: "this device",
    then: "{first}, then {second}",
    title: "Ask {host}?",
    text: "{model} at {host} can answer in the place of this device. The messages of this conversation, and those that you write from now on, are then sent to {host}. Each answer says where it came from.",
    key: "Key, if {host} wants one",
    keyHelp: "It is kept until this tab is closed, and sent to {host} alone.",
    refuse: "Only this device",
    allow: "Send to {host}",
  },
  files: {
    tooLarge: "“{name}” is larger than {size}.",
    notText: "“{name}” is no text in UTF-8.",
    isEmpty: "“{name}” is empty.",
    tooMany: "A message takes up to {count} files.",
    remove: "Remove {name}",
    tooLong: "The files are longer than the context: the model cannot read all of them. Choose a longer context in the settings, or remove some.",
    attachAll: "Add pictures or text files",
    noPicture: "“{name}” is no picture that this browser can read.",
    noSight: "“{name}” is a picture, and this model reads text alone.",
    describe: "Describe {name}, for those who do not see it",
    camera: "Take a picture",
    capture: "Take it",
    cameraRefused: "The camera may not be used here: allow it for this site in the browser’s settings.",
    noCamera: "No camera was found.",
    loadingSight: "What sees pictures is being loaded: {percent} %",
  },
  context: {
    used: "{used} of {total} tokens",
    nearlyFull: "The context is nearly full. The settings say what is done then.",
  },
};

export default CHAT;
export type ChatWords = typeof CHAT;
