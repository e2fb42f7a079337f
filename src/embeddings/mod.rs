//! Embeddings: one vector per protein from ESM-2, kept in a content-addressed store.
