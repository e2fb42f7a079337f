//! The names of fair-esm's tensors beside those of Hugging Face.

/// What stands before names, the longest first; `pretrained.py` of fair-esm removes it as well.
const PREFIXES: [&str; 3] = ["encoder.sentence_encoder.", "sentence_encoder.", "encoder."];

/// Whole names.
const WHOLE: [(&str, &str); 3] = [
    ("embed_tokens.weight", "embeddings.word_embeddings.weight"),
    ("emb_layer_norm_after.weight", "encoder.emb_layer_norm_after.weight"),
    ("emb_layer_norm_after.bias", "encoder.emb_layer_norm_after.bias"),
];

/// What follows `layers.N.` and stands before `weight`, `bias` or `inv_freq`.
const OF_A_LAYER: [(&str, &str); 9] = [
    ("self_attn.q_proj", "attention.self.query"),
    ("self_attn.k_proj", "attention.self.key"),
    ("self_attn.v_proj", "attention.self.value"),
    ("self_attn.out_proj", "attention.output.dense"),
    ("self_attn.rot_emb", "attention.self.rotary_embeddings"),
    ("self_attn_layer_norm", "attention.LayerNorm"),
    ("fc1", "intermediate.dense"),
    ("fc2", "output.dense"),
    ("final_layer_norm", "LayerNorm"),
];

/// Hugging Face's name of a tensor. One that it has no name for keeps its own without the prefix:
/// the heads are called the same, and anything else is left over.
pub(super) fn hugging_face(name: &str) -> String {
    let name = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let whole = WHOLE.iter().find(|(theirs, _)| *theirs == name);
    let whole = whole.map(|(_, ours)| (*ours).to_owned());
    whole.or_else(|| of_a_layer(name)).unwrap_or_else(|| name.to_owned())
}

fn of_a_layer(name: &str) -> Option<String> {
    let (layer, rest) = name.strip_prefix("layers.")?.split_once('.')?;
    let (theirs, parameter) = rest.rsplit_once('.')?;
    let (_, ours) = OF_A_LAYER.iter().find(|(known, _)| *known == theirs)?;
    Some(format!("encoder.layer.{layer}.{ours}.{parameter}"))
}
