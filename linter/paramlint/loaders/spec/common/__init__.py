"""Layer types with one spelling in both vocabularies: what neither framework has a layer for."""
