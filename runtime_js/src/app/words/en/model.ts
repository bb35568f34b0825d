/** Of the model: offered, chosen, loaded, kept, and what computes. */

import { plural } from "../fill.ts";

const MODEL = {
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
    offer: "This page runs a language model on your own device. It is downloaded once and kept for later visits, even offline.",
    isSlow: "It will run on the CPU, which is slower than a GPU, above all with a large model.",
    wasCutOff: "The browser ended this page while the model was loading, perhaps because memory ran out. Close other pages before you start it, or choose a shorter context in the settings.",
    start: "Start",
    fetchAndStart: "Download and start ({size})",
    fetchUnkept: "Download without keeping it ({size})",
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
  /** Of several models: what each is good for, by its size (the smallest first) and its template. */
  models: {
    sizes: [
      "Small and quick: short answers, simple questions.",
      "Light: everyday questions and short texts.",
      "All-round: knows more, and writes longer texts.",
      "Large: knows the most, and needs a lot of memory.",
    ],
    tools: "Calls tools.",
    thinks: "Thinks before it answers.",
    code: "Made for code.",
    stored: "on this device",
    download: "{size} to download",
    memory: "{size} of memory",
    context: "context: {tokens}",
  },
  /** How a model would run here. speed: tokens a second. */
  preflight: {
    onGpu: "About {speed} tokens a second on this device’s GPU.",
    onCpu: "About {speed} tokens a second on this device’s CPU.",
    slow: "That is slower than most people read.",
    noMemory: "This device offers only {given} of the {needed} of memory that the model needs. Close other pages and programs that use a lot of it, or choose a smaller model.",
    lessContext: "There is memory for a context of {tokens}, so that is what was chosen.",
    noGpu: "A browser with WebGPU would be faster: on Linux, Chrome has it behind chrome://flags/#enable-vulkan and chrome://flags/#enable-unsafe-webgpu.",
    smaller: "{name} is smaller and would be faster here.",
    instead: "{other} is too much for this device: {name} is offered in its place.",
    about: "about {speed} tokens a second",
  },
  /** Of what the browser keeps. */
  storage: {
    title: "Models on this device",
    none: "No model is kept on this device.",
    sum: "{size} in all.",
    room: "There is room for {size} more.",
    here: "in use on this page",
    elsewhere: "in use in another tab",
    partial: "incomplete",
    lastUsed: "last used {date}",
    leftovers: "Parts of a download",
    delete: "Delete",
    deleteAll: "Delete all",
    keep: "Keep",
    sure: "Delete {size}? They must be downloaded again before they can be used.",
    elsewhereGoesOn: "Another tab uses it: there it goes on until that tab is closed.",
    failed: "Another tab holds some of its files. Close it and try again.",
    persistent: "The browser keeps them until you delete them.",
    mayGo: "The browser may delete them when space gets short.",
    ask: "Ask it to keep them",
    refused: "The browser did not agree. It may, once the page is installed or bookmarked.",
    close: "Close",
  },
  deleteText: "Its {size} are removed from this device and must be downloaded again before it can be used. What was written stays.",
  own: "model’s own: {value}",
  schemaWrong: "No answer can follow this schema: {reason}",
  /** What computes. speed: tokens a second. */
  computer: {
    gpu: "On your GPU.",
    gpuOf: "On your GPU ({vendor}).",
    cpu: plural({ one: "On your CPU, {count} thread", other: "On your CPU, {count} threads" }),
    speed: "{where}: about {speed} tokens a second.",
    slower: "{where}: slower than on a GPU.",
  },
  /** Why nothing comes just now. */
  waits: {
    network: "Waiting for the network",
    retry: "The download was interrupted; trying again",
    otherTab: "Waiting for another tab, which is downloading the same model",
    browser: "Waiting for the browser",
    script: "Waiting for the site’s files",
  },
  /** What is wrong although the model runs. */
  warnings: {
    storage: "There is too little storage, or the browser gives none: the model runs, but will be downloaded again next time.",
    context: "The context is shorter than the settings say: this GPU allows no larger buffers.",
  },
};

export default MODEL;
export type ModelWords = typeof MODEL;
