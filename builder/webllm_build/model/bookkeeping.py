"""Keys that the Hugging Face library writes into every config.json and that do not change what a model computes."""

from __future__ import annotations

from collections.abc import Mapping

# Attributes of PretrainedConfig (transformers 4 and 5), and what programs that save models add.
LIBRARY = """
    _attn_implementation _attn_implementation_autoset _attn_implementation_internal _commit_hash _experts_implementation
    _experts_implementation_internal _from_model_config _name_or_path architectures attn_implementation auto_map bos_token
    bos_token_id cache_config cache_implementation custom_pipelines decoder_start_token_id dtype eos_token eos_token_id eos_token_ids
    finetuning_task gradient_checkpointing id2label initializer_range is_decoder label2id model_type name_or_path neftune_noise_alpha
    num_labels output_attentions output_hidden_states pad_token pad_token_id prefix problem_type quantization return_dict sep_token_id
    task_specific_params tf_legacy_loss tokenizer_class torch_dtype torchscript transformers.js_config transformers_version
    unk_token_id unsloth_fixed unsloth_version use_bfloat16 use_cache use_return_dict
    _flash_attn_2_enabled _load_in_4bit _load_in_8bit add_bos_token add_eos_token max_sequence_length model_max_length
    tokenizer_model_max_length tokenizer_padding_side use_flash_attention use_flash_attn
"""
# GenerationConfig's: how to sample, which older files keep in config.json.
GENERATION = """
    assistant_confidence_threshold assistant_lookbehind bad_words_ids begin_suppress_tokens diversity_penalty do_sample early_stopping
    encoder_no_repeat_ngram_size encoder_repetition_penalty epsilon_cutoff eta_cutoff exponential_decay_length_penalty
    forced_bos_token_id forced_eos_token_id length_penalty max_length max_new_tokens max_time min_length min_new_tokens min_p
    no_repeat_ngram_size num_assistant_tokens num_assistant_tokens_schedule num_beam_groups num_beams num_return_sequences
    output_logits output_scores penalty_alpha prompt_lookup_num_tokens remove_invalid_values renormalize_logits repetition_penalty
    return_dict_in_generate stop_strings suppress_tokens target_lookbehind temperature top_k top_p typical_p
"""
# What only training does, and how a product is cut there.
TRAINING = """
    attention_dropout attention_probs_dropout_prob attn_pdrop classifier_dropout dropout embd_pdrop embed_dropout embedding_dropout
    hidden_dropout hidden_dropout_prob mlp_dropout pretraining_tp resid_pdrop residual_dropout summary_first_dropout
"""
BOOKKEEPING = frozenset((LIBRARY + GENERATION + TRAINING).split())

# Keys that do change it, at the value that asks for nothing.
NEUTRAL: Mapping[str, object] = {
    "add_cross_attention": False,
    "attn_logit_softcapping": 0,
    "chunk_size_feed_forward": 0,
    "final_logit_softcapping": 0,
    "is_encoder_decoder": False,
    "per_layer_config": {},
    "pruned_heads": {},
    "quantization_config": {},
    "tie_encoder_decoder": False,
    "use_bidirectional_attention": False,
    "use_mrope": False,
    "use_sliding_window": False,
}
