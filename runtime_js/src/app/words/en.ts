/** What the page says, in English: the table that those of the other languages have the keys of. `{name}` is put in by `fill`. */

import { WORDS as view } from "../../view/words.ts";
import type { Plural } from "./fill.ts";

/** Of one number: as many forms as a language has. */
const plural = (forms: Plural): Plural => forms;

const EN = {
  view,
  /** The texts that stand in the page's template, which names them. */
  page: {
    description: "{title}, a language model in your browser. Nothing you write leaves it.",
    descriptionWithRemote: "{title}, a language model in your browser. Nothing you write leaves it without your word.",
    navigation: "Page",
    newChat: "New chat",
    newText: "New text",
    settings: "Settings",
    theme: "Light or dark",
    conversation: "Conversation",
    yourText: "Your text",
    writeBeginning: "Write a beginning. The model goes on from there.",
    askWelcome: "What would you like to know?",
    beginWelcome: "How should it begin?",
    cancel: "Cancel",
    runsHere: "Runs on this device itself. Nothing you write leaves this page.",
    runsHereOrThere: "Runs on this device itself. While it is not ready, another computer can answer: you are asked before anything leaves this page.",
    needsScript: "This page needs JavaScript. Switch it on for this site and load the page again.",
    technicalDetails: "Technical details",
    toEnd: "Go to the end",
    changing: "Changing an earlier message: what follows it will be answered anew.",
    leaveChange: "Leave the message as it was",
    yourMessage: "Your message",
    send: "Send",
    stopAnswering: "Stop answering",
    keysOfChat: "Enter sends, Shift+Enter starts a line, Esc stops. A model can be wrong: check what matters.",
    keysOfText: "Ctrl+Enter continues, Esc stops. A model can be wrong: check what matters.",
    takeBack: "Take back",
    stop: "Stop",
    goOn: "Continue",
    closeUnsaved: "Close without saving",
    systemPrompt: "System prompt",
    systemPromptOwn: "The model’s own",
    temperature: "Temperature",
    temperatureHelp: "0 always takes the likeliest word; higher is more varied.",
    topP: "Top-p",
    topPHelp: "Leaves out unlikely words; 1 leaves out none.",
    topK: "Top-k",
    topKHelp: "Words to choose from; 0: all",
    minP: "Min-p",
    minPHelp: "How likely a word must be, in proportion to the likeliest",
    repetitionPenalty: "Repetition penalty",
    repetitionPenaltyHelp: "Above 1, words that were there come less often",
    longestAnswer: "Longest answer",
    longestContinuation: "Longest continuation",
    wordsUnit: "words",
    tokensUnit: "tokens",
    computes: "Computes",
    computesFaster: "what is faster",
    computesGpu: "the GPU",
    computesCpu: "the CPU",
    answers: "Answers",
    answersAuto: "this device when it is ready",
    answersDevice: "this device alone",
    contextLength: "Context length",
    contextOfChatHelp: "How much of the conversation the model sees. A longer context takes more memory; the model starts again for it.",
    contextOfTextHelp: "How much of the text the model sees. A longer context takes more memory; the model starts again for it.",
    language: "Language",
    languageAuto: "as the browser’s",
    languageHelp: "The page loads again in another language. What was written is kept.",
    reset: "Reset",
    deleteModel: "Delete the downloaded model",
    done: "Done",
    deleteTitle: "Delete the model?",
    keep: "Keep it",
    delete: "Delete",
  },
  suggestions: [
    "Why is the sky blue?",
    "Write four lines about rain on a tin roof.",
    "Three ideas for a quick dinner with lentils?",
    "Write a Python function that counts words.",
  ],
  beginnings: [
    "Once upon a time, in a village between two rivers,",
    "The capital of France is",
    "Dear Sir or Madam,\n\nI am writing to",
    "def count_words(text):\n    ",
  ],
  card: {
    looking: "Looking at this device …",
    parameters: "Parameters",
    download: "Download",
    precision: "Precision",
    context: "Context",
    license: "License",
    unknown: "not stated",
    tokens: plural({ one: "{count} token", other: "{count} tokens" }),
    isStored: "The model is on this device already.",
    offer: "This page runs a language model on your own device. It is fetched once and kept for later visits, also offline.",
    isSlow: "It will run on the CPU, which is slower than a GPU, the more so the larger the model is.",
    wasCutOff: "The browser ended this page while the model was loading, perhaps for want of memory. Close other pages before you start it, or choose a shorter context in the settings.",
    start: "Start",
    fetchAndStart: "Download and start ({size})",
    deleting: "Deleting the model from this device …",
    starting: "Starting from this device. Nothing is downloaded.",
    writeMeanwhile: "You can write while it loads.",
    looksUp: "Looking up the model",
    downloading: "Downloading",
    loading: "Loading from this device",
    gettingReady: "Getting ready",
    ready: "Ready",
    amount: "{done} of {total}",
    left: "{time} left",
  },
  deleteText: "Its {size} are removed from this device and must be downloaded again before it can be used. What was written stays.",
  /** What computes. speed: tokens a second. */
  computer: {
    gpu: "On your GPU.",
    gpuOf: "On your GPU ({vendor}).",
    cpu: plural({ one: "On your CPU, {count} thread", other: "On your CPU, {count} threads" }),
    speed: "{where}: about {speed} tokens a second.",
    slower: "{where}: slower than on a GPU.",
  },
  /** Told to those who hear the page. */
  announce: { ready: "The model is ready.", answering: "The model is answering." },
  notice: {
    close: "Close",
    copy: "The browser does not let this page copy. Select the text yourself.",
    update: "A new version of this page is ready. What was written is kept.",
    load: "Load it",
    storage: "The browser offers {size} of storage: the model will run, but be downloaded again next time.",
    gpuLost: "The GPU was lost. The model goes on, on the CPU.",
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
  /** What a person can do about a problem. */
  ways: {
    tryAgain: "Try again",
    startAgain: "Start the model again",
    loadPage: "Load the page again",
    anew: "Start anew",
    settings: "Open the settings",
    leaveOut: "Leave out the oldest part",
    close: "Close",
  },
  /** By the engine's codes of errors, and what the page finds itself. */
  problems: {
    WebGPUNotAvailable: {
      title: "This browser does not offer WebGPU",
      text: "The model runs on this device’s GPU, and the browser gives pages no access to it.",
      fix: "Use a current Chrome or Edge, Safari 26 or newer, or Firefox 141 or newer, with graphics acceleration switched on.",
    },
    FeatureSupport: {
      title: "This device cannot run the model",
      text: "The browser, or the GPU, lacks a feature or a limit that the model needs.",
      fix: "Update the browser and the graphics driver, choose in the settings what computes, or use another device.",
    },
    Download: {
      title: "The download stopped",
      text: "A file of the model could not be fetched. What has arrived so far is kept.",
      fix: "Check the connection and try again: it goes on where it stopped. If the connection is good, the site may have a newer version: load the page again.",
    },
    NoAnswer: {
      title: "The browser does not answer",
      text: "It was asked for something that the model needs, and has neither given nor refused it. What was downloaded is kept.",
      fix: "Try again. If it stays, close other pages of this site and load this one again, or restart the browser.",
    },
    Integrity: {
      title: "A file arrived damaged",
      text: "Its checksum is not the one that belongs to this model, so it was thrown away.",
      fix: "Try again, or load the page again. If it stays, the site was not uploaded completely.",
    },
    Manifest: {
      title: "The model’s description cannot be read",
      text: "The site’s files do not fit together.",
      fix: "Load the page again. If it stays, the site must be built and uploaded again.",
    },
    Protocol: {
      title: "The engine could not go on",
      text: "The site may have been updated while this page was open, so that a part of the old version is gone. What was written is kept.",
      fix: "Load the page again. If it stays, the site must be built and uploaded again.",
    },
    DeviceLost: {
      title: "The GPU was lost",
      text: "The graphics driver was reset, or the system took the GPU away. What was written is kept.",
      fix: "Start the model again. If it happens often, close other pages that use the GPU, or choose a shorter context in the settings.",
    },
    GPUExecution: {
      title: "The GPU refused its work",
      text: "The browser reported an error of the graphics driver. What was written is kept.",
      fix: "Start the model again. If it stays, update the browser and the graphics driver.",
    },
    OutOfMemory: {
      title: "There is too little free memory",
      text: "The model and what it reads do not fit. What was written is kept.",
      fix: "Close other pages and programs that take memory or use the GPU, or choose a shorter context in the settings, and start again.",
    },
    ContextWindowSizeExceeded: {
      title: "This has become too long for the model",
      text: "It no longer fits into the context that the settings give the model.",
      fix: "Let the model forget the oldest part, start anew, or choose a longer context in the settings.",
    },
    RequestValidation: {
      title: "The model did not accept the request",
      text: "One of the settings does not suit it.",
      fix: "Look at the settings and send the message again.",
    },
    ModelNotFound: {
      title: "This site does not have the model",
      text: "The model that was asked for is not among those of this site.",
      fix: "Load the page again. If it stays, the site must be built and uploaded again.",
    },
    ModelNotLoaded: {
      title: "The model is not loaded",
      text: "It was asked before it was there. What was written is kept.",
      fix: "Start the model again.",
    },
    QueueFull: {
      title: "Too much was asked at once",
      text: "Other tabs or programs are waiting for answers of this model, and it takes no more.",
      fix: "Wait until some of them have their answers, and send the message again.",
    },
    Remote: {
      title: "The other computer does not answer",
      text: "It could not be reached, or its answer could not be read.",
      fix: "Check the connection and, if it wants one, the key. Once the model here is ready, this device answers.",
    },
    Abort: {
      title: "It was stopped",
      text: "Something ended the work before it was done. What was written is kept.",
      fix: "Start the model again.",
    },
    Internal: {
      title: "Something went wrong",
      text: "An error came up that this page does not know. What was written is kept.",
      fix: "Start the model again.",
    },
    /** Memory runs out while an answer grows. */
    NoRoomToGrow: {
      title: "There is no room for more",
      text: "The model still runs, but its memory cannot grow to hold all of this.",
      fix: "Let the model forget the oldest part, start anew, or choose a shorter context in the settings. Other pages also take room.",
    },
    /** A newer build has taken the place of the files that the page needs. */
    Replaced: {
      title: "A newer version of this site is there",
      text: "It has taken the place of the model that this page is of. What was written is kept.",
      fix: "Load the page again.",
    },
    /** Over plain http browsers offer neither WebGPU nor storage. */
    InsecurePage: {
      title: "This page must be opened over https",
      text: "Browsers give WebGPU and storage only to pages from a secure address.",
      fix: "Open the same address with https://, or use http://localhost on your own machine.",
    },
    /** By a server's policy that is stricter than the page's own. */
    WasmForbidden: {
      title: "This site’s server forbids WebAssembly",
      text: "A part of the model is WebAssembly, and the server’s Content-Security-Policy does not let this page run any.",
      fix: "Whoever runs the site must add 'wasm-unsafe-eval' to script-src of the header Content-Security-Policy.",
    },
    DeletionFailed: {
      title: "The model could not be deleted",
      text: "The browser did not let this page remove all of its files.",
      fix: "Close other tabs that show this page, and try again.",
    },
  },
};

export default EN;
export type Words = typeof EN;
