"""Generated from constants/limits.json by constants/generate.py. Do not edit."""

MAX_LAYERS = 1024  # Layers of a model.
MAX_VOCABULARY = 16777216  # Rows of the embedding.
MAX_CONTEXT = 16777216  # Tokens of the longest context.
MAX_EOS_TOKENS = 256  # Tokens that end an answer.
MAX_TEMPLATE = 1048576  # Length of a chat template.
MAX_SPECIAL_TOKEN = 1024  # Length of a special token that the chat template is given.
MAX_NAME = 512  # Length of the names in a manifest: the model's, its id, a tensor's.
MAX_TENSORS = 65536  # GPU buffers of weights.
MAX_SHARDS = 65536  # Files that hold the weights.
MAX_PLACES = 8  # Folders that have the weights.
SHARD_BYTES = 25165824  # Size of each of them but the last: hosts refuse files above 25 MiB (Cloudflare) or 100 MB (GitHub).
TENSOR_ALIGNMENT = 256  # Bytes; what GPUBuffer copies and bindings want at most.
MAX_FILE_BYTES = 268435456  # Size of any file that a manifest names.
MAX_MANIFEST_BYTES = 16777216  # Size of the manifest.
MAX_TEMPERATURE = 2  # Of sampling.
MIN_REPETITION_PENALTY = 0.01  # It divides logits; 1 is off.
MAX_REPETITION_PENALTY = 100  # The same.
MAX_TOKENIZER_BYTES = 67108864  # Size of tokenizer.json.
MAX_PICTURE_SIDE = 8192  # Pixels a side of what a model takes of a picture.
MAX_PATCH = 128  # Pixels a side of a patch of a picture, and patches a side of the block that becomes a token.
MAX_PICTURE_TILES = 64  # Parts that a picture is cut into.
MAX_PICTURE_TOKENS = 2048  # Tokens of a picture, or of a part of it: a model that would take more gets it smaller.
MAX_PICTURE_TEXT = 256  # Length of the texts that stand around a picture in a prompt.
MAX_PICTURE_TAPS = 256  # Entries of a tower's learnt positions that a patch takes a part of.
