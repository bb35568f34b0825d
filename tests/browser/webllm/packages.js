/** The packages' models, under the ids that WebLLM's examples name. */

import * as writing from "/package/models.js";
import * as embedding from "/vectors/models.js";
import * as seeing from "/pictures/models.js";
import * as webllm from "@mlc-ai/web-llm";
import { ARCTIC, BASE, GEMMA, HERMES, LARGER_LLAMA, LLAMA, PHI, PHI_2, QWEN, SMALL_LLAMA, SMALL_QWEN, VISION } from "./check.js";

const writers = [LLAMA, BASE, SMALL_LLAMA, LARGER_LLAMA, HERMES, PHI, PHI_2, GEMMA, QWEN, SMALL_QWEN];
new webllm.Package([{ ...writing.models[0], aliases: writers }, { ...embedding.models[0], aliases: [ARCTIC] }, { ...seeing.models[0], aliases: [VISION] }], false);
