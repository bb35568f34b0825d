// Generated from constants/limits.json by constants/generate.py. Do not edit.

/** Layers of a model. */
export const MAX_LAYERS = 1024;
/** Rows of the embedding. */
export const MAX_VOCABULARY = 16777216;
/** Tokens of the longest context. */
export const MAX_CONTEXT = 16777216;
/** Tokens that end an answer. */
export const MAX_EOS_TOKENS = 256;
/** Length of a chat template. */
export const MAX_TEMPLATE = 1048576;
/** Length of a special token that the chat template is given. */
export const MAX_SPECIAL_TOKEN = 1024;
/** Length of the names in a manifest: the model's, its id, a tensor's. */
export const MAX_NAME = 512;
/** GPU buffers of weights. */
export const MAX_TENSORS = 65536;
/** Files that hold the weights. */
export const MAX_SHARDS = 65536;
/** Folders that have the weights. */
export const MAX_PLACES = 8;
/** Size of each of them but the last: hosts refuse files above 25 MiB (Cloudflare) or 100 MB (GitHub). */
export const SHARD_BYTES = 25165824;
/** Bytes; what GPUBuffer copies and bindings want at most. */
export const TENSOR_ALIGNMENT = 256;
/** Size of any file that a manifest names. */
export const MAX_FILE_BYTES = 268435456;
/** Size of the manifest. */
export const MAX_MANIFEST_BYTES = 16777216;
/** Of sampling. */
export const MAX_TEMPERATURE = 2;
/** It divides logits; 1 is off. */
export const MIN_REPETITION_PENALTY = 0.01;
/** The same. */
export const MAX_REPETITION_PENALTY = 100;
/** Size of tokenizer.json. */
export const MAX_TOKENIZER_BYTES = 67108864;
/** Pixels a side of what a model takes of a picture. */
export const MAX_PICTURE_SIDE = 8192;
/** Pixels a side of a patch of a picture, and patches a side of the block that becomes a token. */
export const MAX_PATCH = 128;
/** Parts that a picture is cut into. */
export const MAX_PICTURE_TILES = 64;
/** Tokens of a picture, or of a part of it: a model that would take more gets it smaller. */
export const MAX_PICTURE_TOKENS = 2048;
/** Length of the texts that stand around a picture in a prompt. */
export const MAX_PICTURE_TEXT = 256;
/** Entries of a tower's learnt positions that a patch takes a part of. */
export const MAX_PICTURE_TAPS = 256;
