"""Keys that the Hugging Face library writes into every config.json and that do not change what a model computes."""

from __future__ import annotations

from collections.abc import Mapping

# Attributes of PretrainedConfig (transformers 4 and 5), and what programs that save models add.
LIBRARY = """
    _attn_implementation _attn_implementation_autoset _attn_implementation_internal _commit_hash _experts_implementation
    _experts_implementation_internal _from_model_config _name_or_path architectures attn_implementation auto_map bos_token
    bos_token_id cache_config cache_implementation chunk_size_feed_forward custom_pipelines decoder_start_token_id dtype eos_token
    eos_token_id eos_token_ids
    finetuning_task gradient_checkpointing id2label initializer_range is_decoder label2id model_type name_or_path neftune_noise_alpha
    num_labels output_attentions output_hidden_states pad_token pad_token_id prefix problem_type quantization return_dict sep_token_id
    task_specific_params tf_legacy_loss tokenizer_class torch_dtype torchscript transformers.js_config transformers_version
    unk_token_id unsloth_fixed unsloth_version use_bfloat16 use_cache use_return_dict
    _flash_attn_2_enabled _load_in_4bit _load_in_8bit add_bos_token add_eos_token max_sequence_length model_max_length
    tokenizer_model_max_length tokenizer_padding_side use_flash_attention use_flash_attention_2
    use_flash_attn use_memory_efficient_attention use_sdpa use_xformers
    base_model_name_or_path keys_to_ignore_at_inference language languages library_name license license_link license_name loss_type
    max_window_layers mergekit_config model_name pipeline_tag reorder_and_upcast_attn scale_attention_softmax_in_fp32 summary_activation
    summary_proj_to_labels summary_type summary_use_proj tags tokenizer transformers_weights
    _num_labels kv_cache_dtype logits_to_keep model_name_or_path num_logits_to_keep tokenizer_name trust_remote_code
"""
# What other programs call the sizes that Hugging Face's keys say.
REPEATED = """
    context_length ffn_dim_multiplier max_seq_len max_seq_length multiple_of n_ctx n_positions seq_len seq_length
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
    activation_dropout aux_loss_alpha aux_loss_coef bf16 emb_pdrop embedding_initializer_range ffn_dropout fp16 init_std
    initializer_factor layerdrop router_aux_loss_coef router_jitter_noise router_z_loss_coef seed summary_last_dropout training_args
    z_loss_coefficient
"""
# How servers read beyond the length of training (Qwen's models for a million tokens), which transformers does not.
SERVING = """
    dual_chunk_attention_config
"""
BOOKKEEPING = frozenset((LIBRARY + REPEATED + GENERATION + TRAINING + SERVING).split())

# Keys that do change it, at the value that asks for nothing: no such part,
OFF = """
    add_bias_linear add_cross_attention alibi attention_bias attention_k_eq_v attention_out_bias attn_temperature_tuning bias
    classifier_bias conv_bias decoder_bias enable_moe_block head_bias is_encoder_decoder is_moe lm_head_bias mlp_bias
    moe_apply_router_weight_on_input
    multi_query mup mup_enabled new_decoder_architecture norm_bias output_router_logits parallel_attn post_norm qk_layernorm qk_norm
    qkv_bias rescale_embeddings sandwich_norm scale_attn_by_inverse_layer_idx scale_embedding scale_embeddings sinusoidal_embeddings
    tie_embeddings tie_encoder_decoder use_alibi use_attention_gate use_bias use_bidirectional_attention use_double_wide_mlp
    use_expert_bias use_learned_position_embeddings use_long_context use_moe use_mrope use_mup use_parallel_residual use_post_norm
    use_qk_norm use_qkv_bias use_sandwich_norm use_sliding_window
"""
# none of them,
NONE = """
    attn_logit_softcapping final_logit_softcapping hidden_size_per_layer_input logits_soft_cap n_routed_experts
    n_shared_experts num_experts num_kv_shared_layers num_local_experts num_nextn_predict_layers num_shared_experts output_logit_soft_cap
    shared_expert_intermediate_size shared_intermediate_size
"""
# or as it is. An empty list or object asks for nothing under any name.
ONCE = """
    compression_ratio embedding_multiplier embedding_scale key_multiplier lm_head_multiplier logit_scale logits_scaling
    residual_multiplier rotary_pct
"""
NEUTRAL: Mapping[str, object] = {
    **dict.fromkeys(OFF.split(), False),
    **dict.fromkeys(NONE.split(), 0),
    **dict.fromkeys(ONCE.split(), 1),
    "rope_type": "default",
}
