/** What is wrong, and what a person can do about it. */

const PROBLEMS = {
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
      fix: "Update the browser and the graphics driver, choose the GPU or the CPU in the settings, or use another device.",
    },
    Download: {
      title: "The download stopped",
      text: "A file of the model could not be fetched. What has arrived so far is kept.",
      fix: "Check the connection and try again: it goes on where it stopped. If the connection is good, the site may have a newer version: load the page again.",
    },
    NoAnswer: {
      title: "The browser does not answer",
      text: "It was asked for something that the model needs, and has neither given nor refused it. What was downloaded is kept.",
      fix: "Try again. If that does not help, close other pages of this site and load this one again, or restart the browser.",
    },
    Integrity: {
      title: "A file arrived damaged",
      text: "Its checksum is not the one that belongs to this model, so it was thrown away.",
      fix: "Try again, or load the page again. If that does not help, the site was not uploaded completely.",
    },
    Manifest: {
      title: "The model’s description cannot be read",
      text: "The site’s files do not fit together.",
      fix: "Load the page again. If that does not help, the site must be built and uploaded again.",
    },
    Protocol: {
      title: "The engine could not go on",
      text: "The site may have been updated while this page was open, so that a part of the old version is gone. What was written is kept.",
      fix: "Load the page again. If that does not help, the site must be built and uploaded again.",
    },
    DeviceLost: {
      title: "The GPU was lost",
      text: "The graphics driver was reset, or the system took the GPU away. What was written is kept.",
      fix: "Start the model again. If it happens often, close other pages that use the GPU, or choose a shorter context in the settings.",
    },
    GPUExecution: {
      title: "The GPU refused the work",
      text: "The browser reported an error of the graphics driver. What was written is kept.",
      fix: "Start the model again. If that does not help, update the browser and the graphics driver.",
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
      fix: "Load the page again. If that does not help, the site must be built and uploaded again.",
    },
    ModelNotLoaded: {
      title: "The model is not loaded",
      text: "It was asked before it was ready. What was written is kept.",
      fix: "Start the model again.",
    },
    QueueFull: {
      title: "Too much was asked at once",
      text: "Other tabs or programs are waiting for answers from this model, and it takes no more.",
      fix: "Wait until some of them have their answers, and send the message again.",
    },
    Remote: {
      title: "The other computer does not answer",
      text: "It could not be reached, or its answer could not be read.",
      fix: "Check the connection and, if it requires one, the key. Once the model here is ready, this device answers.",
    },
    Abort: {
      title: "It was stopped",
      text: "Something ended the work before it was done. What was written is kept.",
      fix: "Start the model again.",
    },
    Internal: {
      title: "Something went wrong",
      text: "An unknown error occurred. What was written is kept.",
      fix: "Start the model again.",
    },
    PartMissing: {
      title: "A part of the model is missing here",
      text: "This answer needs a file of the model that is not on this device yet, and it could not be fetched. The model still runs.",
      fix: "Check the connection and ask again. Questions that do not need it, such as those without pictures or sounds, are still answered.",
    },
    /** Memory runs out while an answer grows. */
    NoRoomToGrow: {
      title: "There is no room for more",
      text: "The model still runs, but its memory cannot grow to hold all of this.",
      fix: "Let the model forget the oldest part, start anew, or choose a shorter context in the settings. Other pages also take room.",
    },
    /** A newer build has taken the place of the files that the page needs. */
    Replaced: {
      title: "There is a newer version of this site",
      text: "It has replaced the model of this page. What was written is kept.",
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
      fix: "Whoever runs the site must add 'wasm-unsafe-eval' to script-src in the Content-Security-Policy header.",
    },
    DeletionFailed: {
      title: "The model could not be deleted",
      text: "The browser did not let this page remove all of its files.",
      fix: "Close other tabs that show this page, and try again.",
    },
  },
};

export default PROBLEMS;
export type ProblemsWords = typeof PROBLEMS;
