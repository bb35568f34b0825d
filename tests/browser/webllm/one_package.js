/** The package's model under the ids that programs of extensions name. */

import * as webllm from "@mlc-ai/web-llm";
import { GEMMA, PHI } from "./check.js";

const [packaged] = webllm.prebuiltAppConfig.model_list;
webllm.prebuiltAppConfig.model_list.push(...[PHI, GEMMA].map((model_id) => ({ ...packaged, model_id })));
