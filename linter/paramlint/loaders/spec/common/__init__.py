"""Layer types with one spelling in both vocabularies, found by listing this folder."""
